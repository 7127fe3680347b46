#include "core/hub/hub.h"

#include <set>
#include <vector>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

namespace {

// By a quarter where a vector would double: of a million subscribers that would be 4 MB of nothing.
void make_room(std::vector<SubscriberId>& subscribers) {
  const std::size_t size = subscribers.size();
  if (size == subscribers.capacity()) subscribers.reserve(size + size / 4 + 1);
}

// When most have left.
void give_room_back(std::vector<SubscriberId>& subscribers) {
  if (subscribers.size() < subscribers.capacity() / 4) subscribers.shrink_to_fit();
}

}  // namespace

Hub::Hub(DeliverySink& sink, ShardMetrics& metrics, const HubLimits& limits)
    : sink_(sink), metrics_(metrics), limits_(limits), channels_(limits.channels) {}

Hub::~Hub() { CHECK_EQ(channels_.size(), 0U); }

Hub::Subscribe Hub::subscribe(SubscriberId who, Bytes name, std::uint32_t ticket) {
  shard_.verify();
  CHECK(!delivering_);
  lists_.cover(who);
  SubscriptionList& list = lists_[who];
  Channel* channel = channels_.find(name);
  if (channel != nullptr && find_entry(list, *channel) != kNotFound) return Subscribe::kAlready;
  if (list.size() >= limits_.channels_per_subscriber) return Subscribe::kSubscriberLimit;
  if (channel == nullptr) {
    channel = channels_.add(name);
    if (channel == nullptr) return Subscribe::kChannelLimit;
    ++metrics_.channels;
    channel->interest = ++last_interest_;
    channel->live = broker_->add_interest(channel->name, channel->interest);
  }
  const auto position = static_cast<std::uint32_t>(channel->subscribers.size());
  list.add({channel->slot.index, position, channel->live ? 0U : ticket});
  make_room(channel->subscribers);
  channel->subscribers.push_back(who);
  ++metrics_.subscriptions;
  return channel->live ? Subscribe::kLive : Subscribe::kPending;
}

std::optional<std::uint32_t> Hub::pending(SubscriberId who, Bytes name) {
  SubscriptionList* list = list_of(who);
  Channel* channel = channels_.find(name);
  if (list == nullptr || channel == nullptr || channel->live) return std::nullopt;
  const std::uint32_t entry = find_entry(*list, *channel);
  if (entry == kNotFound) return std::nullopt;
  return ticket_of((*list)[entry]);
}

bool Hub::unsubscribe(SubscriberId who, Bytes name) {
  shard_.verify();
  CHECK(!delivering_);
  SubscriptionList* list = list_of(who);
  Channel* channel = channels_.find(name);
  if (list == nullptr || channel == nullptr) return false;
  const std::uint32_t entry = find_entry(*list, *channel);
  if (entry == kNotFound) return false;
  remove_entry(who, entry);
  return true;
}

void Hub::drop(SubscriberId who) {
  shard_.verify();
  CHECK(!delivering_);
  SubscriptionList* list = list_of(who);
  if (list == nullptr) return;
  const std::uint32_t left = mutated(Mutant::kSubscriberLeft) ? 1 : 0;
  while (list->size() > left) remove_entry(who, list->size() - 1);
  *list = SubscriptionList();
}

bool Hub::subscribed(SubscriberId who, Bytes name) {
  SubscriptionList* list = list_of(who);
  Channel* channel = channels_.find(name);
  return list != nullptr && channel != nullptr && find_entry(*list, *channel) != kNotFound;
}

std::uint32_t Hub::subscriptions_of(SubscriberId who) const {
  return who < lists_.size() ? lists_[who].size() : 0;
}

SubscriptionList* Hub::list_of(SubscriberId who) {
  return who < lists_.size() ? &lists_[who] : nullptr;
}

std::uint32_t Hub::find_entry(SubscriptionList& list, const Channel& channel) {
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    if (list[i].channel == channel.slot.index) return i;
  }
  return kNotFound;
}

// REQUIRES: its channel is not live.
std::uint32_t Hub::ticket_of(SubscriptionEntry& entry) {
  return static_cast<std::uint32_t>(entry.offset);
}

// Both arrays close their hole with their last element; who moves in the channel's is told.
void Hub::remove_entry(SubscriberId who, std::uint32_t entry) {
  SubscriptionList& list = lists_[who];
  const std::uint32_t position = list[entry].position;
  Channel& channel = channels_.at(list[entry].channel);
  CHECK_EQ(channel.subscribers[position], who);
  list.remove(entry);

  const SubscriberId moved = channel.subscribers.back();
  channel.subscribers.pop_back();
  if (moved != who) {
    channel.subscribers[position] = moved;
    SubscriptionList& other = lists_[moved];
    other[find_entry(other, channel)].position = position;
  }
  give_room_back(channel.subscribers);

  CHECK_GT(metrics_.subscriptions, 0U);
  --metrics_.subscriptions;
  if (!channel.subscribers.empty()) return;
  broker_->remove_interest(channel.name);
  channels_.remove(channel);
  --metrics_.channels;
}

void Hub::publish(const Publication& publication, PublishToken token) {
  shard_.verify();
  broker_->publish(publication, token);
}

void Hub::on_publication(const Publication& publication) {
  shard_.verify();
  Channel* channel = channels_.find(publication.channel);
  if (channel == nullptr) return;  // the last subscriber left while it was on its way
  CHECK(!channel->subscribers.empty());
  // Its subscribers have not been told yet that they are subscribed.
  if (!channel->live && !mutated(Mutant::kEarlyPublication)) return;
  ++metrics_.publications_total;
  delivering_ = true;
  sink_.deliver(publication, channel->subscribers);
  delivering_ = false;
}

void Hub::on_interest_ready(Bytes name, InterestToken token) {
  shard_.verify();
  Channel* channel = channels_.find(name);
  if (channel == nullptr || channel->interest != token || channel->live) return;
  channel->live = true;
  delivering_ = true;
  for (const SubscriberId who : channel->subscribers) {
    SubscriptionEntry& entry = lists_[who][find_entry(lists_[who], *channel)];
    const std::uint32_t ticket = ticket_of(entry);
    entry.offset = 0;
    sink_.subscribed(who, ticket);
  }
  delivering_ = false;
}

void Hub::on_published(PublishToken token, PublishOutcome outcome) {
  sink_.published(token, outcome);
}

void Hub::validate() {
  std::uint64_t entries = 0;
  std::set<std::uint32_t> seen;
  std::uint64_t subscribers = 0;  // of the channels seen
  for (std::uint32_t who = 0; who < lists_.size(); ++who) {
    SubscriptionList& list = lists_[who];
    for (std::uint32_t i = 0; i < list.size(); ++i) {
      Channel& channel = channels_.at(list[i].channel);
      CHECK_LT(list[i].position, channel.subscribers.size());
      CHECK_EQ(channel.subscribers[list[i].position], who);
      CHECK_EQ(find_entry(list, channel), i);
      CHECK(channels_.find(channel.name) == &channel);
      if (seen.insert(list[i].channel).second) subscribers += channel.subscribers.size();
      ++entries;
    }
  }
  CHECK_EQ(entries, subscribers);
  CHECK_EQ(entries, metrics_.subscriptions);
  CHECK_EQ(seen.size(), std::size_t{channels_.size()});  // none without a subscriber
  CHECK_EQ(std::uint64_t{channels_.size()}, metrics_.channels);
}

}  // namespace millrace

#include "core/hub/hub.h"

#include <set>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

namespace {

// By a quarter where a vector would double: of a million subscribers that would be 4 MB of nothing.
void make_room(std::vector<Subscriber>& subscribers) {
  const std::size_t size = subscribers.size();
  if (size == subscribers.capacity()) subscribers.reserve(size + size / 4 + 1);
}

// When most have left.
void give_room_back(std::vector<Subscriber>& subscribers) {
  if (subscribers.size() < subscribers.capacity() / 4) subscribers.shrink_to_fit();
}

// Who is not to be told of holes needs no position, stream or not.
bool needs_stream(const SubscribeOptions& options) {
  return options.stream.kept() && (options.positioned || options.recovering || options.delta);
}

Subscriber make_subscriber(SubscriberId who, const SubscribeOptions& options) {
  CHECK_LE(who, Subscriber::kMaxId);
  Subscriber made{};
  made.id = who & Subscriber::kMaxId;
  made.format = options.format ? 1 : 0;
  made.delta = options.delta && options.stream.kept() ? 1 : 0;
  made.announce = options.announce ? 1 : 0;
  made.joining = mutated(Mutant::kEarlyPublication) ? 0 : 1;
  made.held = options.held ? 1 : 0;
  return made;
}

void validate_deltas(const Channel& channel) {
  std::uint32_t deltas = 0;
  for (const Subscriber& each : channel.subscribers) {
    if (each.delta) ++deltas;
    if (each.based) CHECK(each.delta && !each.joining);
  }
  CHECK_EQ(deltas, channel.stream == nullptr ? 0 : channel.stream->delta);
  if (deltas == 0 && channel.stream != nullptr) CHECK(channel.stream->last.empty());
}

}  // namespace

Hub::Hub(DeliverySink& sink, ShardMetrics& metrics, const HubLimits& limits)
    : sink_(sink),
      metrics_(metrics),
      limits_(limits),
      channels_(limits.channels),
      joins_(limits.joins) {}

Hub::~Hub() {
  CHECK_EQ(channels_.size(), 0U);
  joins_.for_each([this](SlotId id, Join&) { joins_.release(id); });
}

Hub::Subscribe Hub::subscribe(SubscriberId who, Bytes name, const SubscribeOptions& options,
                              Instant now) {
  shard_.verify();
  CHECK(!delivering_);
  now_ = now;
  lists_.cover(who);
  SubscriptionList& list = lists_[who];
  Channel* channel = channels_.find(name);
  if (channel != nullptr && find_entry(list, *channel) != kNotFound) return Subscribe::kAlready;
  if (list.size() >= limits_.channels_per_subscriber) return Subscribe::kSubscriberLimit;
  if (needs_stream(options) && joins_.size() >= limits_.joins) return Subscribe::kBusy;
  if (channel == nullptr) {
    channel = channels_.add(name);
    if (channel == nullptr) return Subscribe::kChannelLimit;
    ++metrics_.channels;
    channel->interest = ++last_interest_;
    channel->live = broker_->add_interest(channel->name, channel->interest);
  }
  return add_entry(*channel, who, options);
}

Hub::Subscribe Hub::add_entry(Channel& channel, SubscriberId who, const SubscribeOptions& options) {
  const auto position = static_cast<std::uint32_t>(channel.subscribers.size());
  SubscriptionEntry entry{.channel = channel.slot.index, .position = position};
  entry.pending = options.ticket;
  entry.server_side = options.server_side;
  entry.granted = options.granted;
  entry.presence_members = options.presence.members;
  entry.presence_announce = options.presence.announce;
  SlotId join_id;
  if (needs_stream(options)) {
    if (channel.stream == nullptr) channel.stream = std::make_unique<ChannelStream>();
    channel.stream->options = options.stream;
    entry.positioned = options.positioned;
    if (options.positioned) ++channel.stream->positioned;
    if (options.delta) ++channel.stream->delta;
    entry.waits_for_stream = true;
    join_id = joins_
                  .acquire(Join{who, channel.slot, options.ticket, options.recoverable,
                                options.recovering, options.delta, options.since,
                                options.recovery_limit, options.all_or_nothing})
                  .id;
    entry.pending = join_id.index;
  }
  make_room(channel.subscribers);
  channel.subscribers.push_back(make_subscriber(who, options));
  ++metrics_.subscriptions;
  SubscriptionList& list = lists_[who];
  SubscriptionEntry& added = list[list.add(entry)];
  if (!channel.live) return Subscribe::kPending;
  if (added.waits_for_stream) {
    ask_for_stream(join_id, now_);
    return Subscribe::kPending;
  }
  become_live(channel, added, who, now_);
  return Subscribe::kLive;
}

// From here on it gets what comes, and others may know that it is there.
void Hub::become_live(Channel& channel, SubscriptionEntry& entry, SubscriberId who, Instant now) {
  place_of(channel, entry).joining = 0;
  entry.pending = 0;
  entry.waits_for_stream = false;
  const PresenceOptions presence{entry.presence_members, entry.presence_announce};
  if (presence.kept()) {
    broker_->add_member(channel.name, sink_.member(who, channel.name), presence, now);
  }
}

std::optional<std::uint32_t> Hub::pending(SubscriberId who, Bytes name) {
  SubscriptionEntry* entry = entry_of(who, name);
  if (entry == nullptr) return std::nullopt;
  const Channel& channel = channels_.at(entry->channel);
  if (!channel.subscribers[entry->position].joining) return std::nullopt;
  if (!entry->waits_for_stream) return entry->pending;
  const Join* join = joins_.find_index(entry->pending);
  CHECK(join != nullptr);
  return join->ticket;
}

bool Hub::unsubscribe(SubscriberId who, Bytes name, Instant now) {
  shard_.verify();
  CHECK(!delivering_);
  now_ = now;
  SubscriptionList* list = list_of(who);
  Channel* channel = channels_.find(name);
  if (list == nullptr || channel == nullptr) return false;
  const std::uint32_t entry = find_entry(*list, *channel);
  if (entry == kNotFound) return false;
  remove_entry(who, entry, now);
  return true;
}

void Hub::drop(SubscriberId who, Instant now) {
  shard_.verify();
  CHECK(!delivering_);
  SubscriptionList* list = list_of(who);
  if (list == nullptr) return;
  now_ = now;
  const std::uint32_t left = mutated(Mutant::kSubscriberLeft) ? 1 : 0;
  while (list->size() > left) remove_entry(who, list->size() - 1, now);
  *list = SubscriptionList();
}

void Hub::release(SubscriberId who) {
  shard_.verify();
  SubscriptionList* list = list_of(who);
  if (list == nullptr) return;
  for (std::uint32_t i = 0; i < list->size(); ++i) {
    SubscriptionEntry& entry = (*list)[i];
    place_of(channels_.at(entry.channel), entry).held = 0;
  }
}

bool Hub::subscribed(SubscriberId who, Bytes name) { return entry_of(who, name) != nullptr; }

bool Hub::server_side(SubscriberId who, Bytes name) {
  const SubscriptionEntry* entry = entry_of(who, name);
  return entry != nullptr && entry->server_side;
}

bool Hub::granted(SubscriberId who, Bytes name) {
  const SubscriptionEntry* entry = entry_of(who, name);
  return entry != nullptr && entry->granted;
}

std::uint32_t Hub::server_side_of(SubscriberId who) {
  SubscriptionList* const list = list_of(who);
  std::uint32_t found = 0;
  for (std::uint32_t i = 0; list != nullptr && i < list->size(); ++i) {
    if ((*list)[i].server_side && !(*list)[i].granted) ++found;
  }
  return found;
}

std::uint32_t Hub::subscriptions_of(SubscriberId who) const {
  return who < lists_.size() ? lists_[who].size() : 0;
}

SubscriptionList* Hub::list_of(SubscriberId who) {
  return who < lists_.size() ? &lists_[who] : nullptr;
}

SubscriptionEntry* Hub::entry_of(SubscriberId who, Bytes name) {
  SubscriptionList* list = list_of(who);
  Channel* channel = channels_.find(name);
  if (list == nullptr || channel == nullptr) return nullptr;
  const std::uint32_t entry = find_entry(*list, *channel);
  return entry == kNotFound ? nullptr : &(*list)[entry];
}

Subscriber& Hub::place_of(Channel& channel, const SubscriptionEntry& entry) {
  CHECK_LT(entry.position, channel.subscribers.size());
  return channel.subscribers[entry.position];
}

std::uint32_t Hub::find_entry(SubscriptionList& list, const Channel& channel) {
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    if (list[i].channel == channel.slot.index) return i;
  }
  return kNotFound;
}

// Both arrays close their hole with their last element; who moves in the channel's is told.
void Hub::remove_entry(SubscriberId who, std::uint32_t index, Instant now) {
  SubscriptionList& list = lists_[who];
  const SubscriptionEntry entry = list[index];
  Channel& channel = channels_.at(entry.channel);
  const Subscriber subscriber = place_of(channel, entry);
  CHECK_EQ(std::uint32_t{subscriber.id}, who);
  if (entry.waits_for_stream) {
    const auto join = joins_.id_of(entry.pending);
    CHECK(join.has_value());
    joins_.release(*join);  // the answer finds nobody
  } else if (!subscriber.joining && (entry.presence_members || entry.presence_announce)) {
    broker_->remove_member(channel.name, sink_.member(who, channel.name).client, now);
  }
  if (entry.positioned) --channel.stream->positioned;
  if (subscriber.delta && --channel.stream->delta == 0) channel.stream->last = {};
  list.remove(index);

  const Subscriber moved = channel.subscribers.back();
  channel.subscribers.pop_back();
  if (moved.id != who) {
    channel.subscribers[entry.position] = moved;
    SubscriptionList& other = lists_[moved.id];
    other[find_entry(other, channel)].position = entry.position;
  }
  give_room_back(channel.subscribers);

  CHECK_GT(metrics_.subscriptions, 0U);
  --metrics_.subscriptions;
  if (!channel.subscribers.empty()) return;
  broker_->remove_interest(channel.name);
  channels_.remove(channel);
  --metrics_.channels;
}

void Hub::on_publication(const Publication& publication) {
  shard_.verify();
  Channel* channel = channels_.find(publication.channel);
  if (channel == nullptr) return;  // the last subscriber left while it was on its way
  CHECK(!channel->subscribers.empty());
  // Its subscribers have not been told yet that they are subscribed.
  if (!channel->live) return;
  if (publication.position.offset == 0 || channel->stream == nullptr) {
    return spread(*channel, publication, {});
  }
  const ChannelStream& stream = *channel->stream;
  if (stream.position.epoch == publication.position.epoch &&
      publication.position.offset <= stream.position.offset) {
    ++metrics_.publications_repeated_total;
    return;
  }
  if (breaks(stream, publication.position, publication.previous)) {
    return spread_behind_break(*channel, publication);
  }
  follow(*channel, publication.position);
  spread(*channel, publication, channel->stream->last);
}

// To all who are in the channel and have been told so.
void Hub::spread(Channel& channel, const Publication& publication, Bytes base) {
  ++metrics_.publications_total;
  delivering_ = true;
  sink_.deliver(publication, base, channel.subscribers);
  delivering_ = false;
  if (channel.stream == nullptr || channel.stream->delta == 0) return;
  // What is not in the stream is not in who recovers from it, either.
  const bool numbered = publication.position.offset != 0;
  channel.stream->last.assign(numbered ? publication.data : Bytes());
  for (Subscriber& each : channel.subscribers) {
    if (each.delta && !each.joining) each.based = numbered ? 1 : 0;
  }
}

void Hub::on_presence_changes(Bytes name, std::span<const PresenceChange> changes) {
  shard_.verify();
  Channel* channel = channels_.find(name);
  if (channel == nullptr) return;
  delivering_ = true;
  sink_.deliver_presence(name, changes, channel->subscribers);
  delivering_ = false;
}

void Hub::on_interest_ready(Bytes name, InterestToken token) {
  shard_.verify();
  Channel* channel = channels_.find(name);
  if (channel == nullptr || channel->interest != token || channel->live) return;
  channel->live = true;
  const SlotId id = channel->slot;
  // A copy: an answer that comes at once may end subscriptions, and others take their places.
  std::vector<SubscriberId> waiting;
  waiting.reserve(channel->subscribers.size());
  for (const Subscriber& each : channel->subscribers) waiting.push_back(each.id);
  for (const SubscriberId who : waiting) {
    channel = channels_.find(id);
    if (channel == nullptr) return;
    const std::uint32_t index = find_entry(lists_[who], *channel);
    if (index == kNotFound) continue;
    SubscriptionEntry& entry = lists_[who][index];
    if (!place_of(*channel, entry).joining) continue;
    if (entry.waits_for_stream) {
      const auto join = joins_.id_of(entry.pending);
      CHECK(join.has_value());
      ask_for_stream(*join, now_);
    } else {
      const std::uint32_t ticket = entry.pending;
      become_live(*channel, entry, who, now_);
      delivering_ = true;
      sink_.subscribed(who, channel->name, ticket, {});
      delivering_ = false;
    }
  }
}

// By the entries of the subscribers' lists.
struct Hub::Counted {
  std::uint64_t entries = 0;
  std::uint64_t positioned = 0;
  std::uint64_t promised = 0;  // the same by the channels' count
  std::uint64_t waiting = 0;
  std::uint64_t subscribers = 0;  // of the channels seen
  std::set<std::uint32_t> seen;
};

void Hub::validate_entry(std::uint32_t who, std::uint32_t at, Counted& counted) {
  SubscriptionList& list = lists_[who];
  const SubscriptionEntry& entry = list[at];
  Channel& channel = channels_.at(entry.channel);
  CHECK_EQ(std::uint32_t{place_of(channel, entry).id}, who);
  CHECK_EQ(find_entry(list, channel), at);
  CHECK(channels_.find(channel.name) == &channel);
  if (counted.seen.insert(entry.channel).second) {
    counted.subscribers += channel.subscribers.size();
    if (channel.stream != nullptr) counted.promised += channel.stream->positioned;
    validate_deltas(channel);
  }
  if (entry.positioned) ++counted.positioned;
  if (!channel.live) CHECK(place_of(channel, entry).joining);
  if (entry.waits_for_stream) {
    CHECK(place_of(channel, entry).joining);
    CHECK_EQ(joins_.find_index(entry.pending)->who, who);
    ++counted.waiting;
  }
  ++counted.entries;
}

void Hub::validate() {
  Counted counted;
  for (std::uint32_t who = 0; who < lists_.size(); ++who) {
    for (std::uint32_t i = 0; i < lists_[who].size(); ++i) validate_entry(who, i, counted);
  }
  CHECK_EQ(counted.waiting, std::uint64_t{joins_.size()});
  CHECK_EQ(counted.entries, counted.subscribers);
  CHECK_EQ(counted.positioned, counted.promised);
  CHECK_EQ(counted.entries, metrics_.subscriptions);
  CHECK_EQ(counted.seen.size(), std::size_t{channels_.size()});  // none without a subscriber
  CHECK_EQ(std::uint64_t{channels_.size()}, metrics_.channels);
}

}  // namespace millrace

#include "net/nats/nats_broker.h"

#include <nats/nats.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/mutant.h"
#include "core/base/shard_check.h"
#include "core/hub/channel_name.h"
#include "net/nats/away_text.h"
#include "net/nats/nats_link.h"
#include "net/nats/subject.h"
#include "proto/payload.h"

namespace millrace {
namespace {

constexpr std::size_t kMessagesPerDrain = 4'096;  // the rest comes next turn
constexpr int kWaitSliceMs = 5;

// Channels that wait for a subscription to be live.
using Waiting = boost::unordered_flat_map<std::string, InterestToken, BytesHash, std::equal_to<>>;

// One SUB: of a channel, or of a whole namespace.
struct Slot {
  std::uint32_t generation = 0;
  std::uint32_t channels = 0;  // that want it; 0: it is on its way out or free
  bool in_use = false;
  bool sent = false;    // what the link was told last: subscribed
  bool live = false;    // the link has answered
  bool queued = false;  // on the list of those that found the lane full
  std::string subject;  // until it is sent
  std::unique_ptr<Waiting> waiting;
};

class Impl final : public NatsBroker {
 public:
  Impl(const NatsOptions& options, BrokerEvents& events, ShardMetrics& metrics,
       std::unique_ptr<BrokerLink> link)
      : options_(options),
        events_(events),
        metrics_(metrics),
        prefix_namespaces_(options.prefix_namespaces.begin(), options.prefix_namespaces.end()),
        link_(std::move(link)) {
    metrics_.broker_ready = 0;
  }

  bool add_interest(Bytes channel, InterestToken token) override;
  void remove_interest(Bytes channel) override;
  void publish(const Publication& publication, const StreamOptions& options, RequestToken token,
               Instant now) override;
  void read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                    RequestToken token, Instant now) override;
  void remove_history(Bytes channel, RequestToken token, Instant now) override;
  void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now) override;
  void add_member(Bytes, const ClientInfo&, const PresenceOptions&, Instant) override {}
  void remove_member(Bytes, Bytes, Instant) override {}
  BrokerStatus status() const override;
  void drain(Instant now) override;
  bool ready() const override {
    return next_message_ < messages_.size() || link_->waiting() || link_->up() != was_up_ ||
           link_->lives() != seen_lives_ || (!unsent_.empty() && has_room());
  }

 private:
  bool has_room() const { return outstanding_ < options_.lane_requests; }
  bool has_prefix_interest(Bytes channel) const {
    return prefix_namespaces_.contains(channel_namespace(channel));
  }
  std::uint32_t slot_for(Bytes channel);
  std::uint32_t new_slot(std::string subject);
  void reconcile(std::uint32_t index);
  bool send_change(std::uint32_t index);
  void send_unsent();
  void follow_link(Instant now);
  void take_answers();
  void on_subscribed(NatsSubscriptionId id);
  void settle_publish(RequestToken token, PublishOutcome outcome);
  void take_messages();
  void take_message(const NatsInbound& inbound);

  const NatsOptions options_;
  BrokerEvents& events_;
  ShardMetrics& metrics_;
  const ShardCheck shard_;
  const boost::unordered_flat_set<std::string, BytesHash, std::equal_to<>> prefix_namespaces_;

  boost::unordered_flat_map<std::string, std::uint32_t, BytesHash, std::equal_to<>> interests_;
  // The wildcards, by namespace.
  boost::unordered_flat_map<std::string, std::uint32_t, BytesHash, std::equal_to<>> wildcards_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::deque<std::uint32_t> unsent_;  // slots, each at most once

  std::size_t outstanding_ = 0;  // requests without an answer
  std::size_t outstanding_bytes_ = 0;
  std::vector<NatsInbound> messages_;  // taken from the inbox
  std::size_t next_message_ = 0;
  JsonPayloadChecker checker_;

  bool was_up_ = false;
  std::uint64_t seen_lives_ = 0;
  std::uint64_t seen_dropped_ = 0;
  bool drained_ = false;  // the two below mean something
  Instant now_{};         // of the last drain
  Instant away_since_{};
  Duration outage_{};
  std::string note_;

  std::unique_ptr<BrokerLink> link_;  // last: it ends before what its inbox leads to
};

std::uint32_t Impl::new_slot(std::string subject) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  CHECK(!slot.in_use && !slot.sent);
  slot.in_use = true;
  slot.subject = std::move(subject);
  ++metrics_.nats_subscriptions;
  return index;
}

std::uint32_t Impl::slot_for(Bytes channel) {
  if (!has_prefix_interest(channel)) {
    return new_slot(channel_to_subject(options_.subject_prefix, channel));
  }
  const Bytes name_space = channel_namespace(channel);
  const auto found = wildcards_.find(name_space);
  if (found != wildcards_.end()) return found->second;
  const std::uint32_t index = new_slot(namespace_wildcard(options_.subject_prefix, name_space));
  wildcards_.emplace(name_space, index);
  return index;
}

bool Impl::add_interest(Bytes channel, InterestToken token) {
  shard_.verify();
  // The hub has checked the name. What would not be a subject of its own must not come near NATS.
  if (check_channel_name(channel) != ChannelNameError::kOk) return true;
  CHECK(!interests_.contains(channel));
  const std::uint32_t index = slot_for(channel);
  interests_.emplace(channel, index);
  Slot& slot = slots_[index];
  if (slot.channels++ == 0) reconcile(index);
  // A link that is away remembers what it was asked and has it live when it comes up. What found
  // its lane full it does not know of, and could be up without.
  if (slot.live || (!link_->up() && !slot.queued)) return true;
  if (slot.waiting == nullptr) slot.waiting = std::make_unique<Waiting>();
  slot.waiting->emplace(channel, token);
  return false;
}

void Impl::remove_interest(Bytes channel) {
  shard_.verify();
  const auto found = interests_.find(channel);
  if (found == interests_.end()) return;
  const std::uint32_t index = found->second;
  interests_.erase(found);
  Slot& slot = slots_[index];
  if (slot.waiting != nullptr) {
    const auto waiter = slot.waiting->find(channel);
    if (waiter != slot.waiting->end()) slot.waiting->erase(waiter);
  }
  if (--slot.channels > 0) return;
  if (has_prefix_interest(channel)) {
    wildcards_.erase(wildcards_.find(channel_namespace(channel)));
  }
  // From now on its messages are known as late ones, whatever is still on its way.
  ++slot.generation;
  slot.live = false;
  slot.waiting.reset();
  --metrics_.nats_subscriptions;
  reconcile(index);
}

// Makes what the link was told equal to what is wanted, now or when its lane has room.
void Impl::reconcile(std::uint32_t index) {
  Slot& slot = slots_[index];
  const bool wanted = slot.channels > 0;
  if (wanted != slot.sent && !send_change(index)) {
    if (!slot.queued) unsent_.push_back(index);
    slot.queued = true;
    return;
  }
  if (!wanted) {
    slot.in_use = false;
    slot.subject.clear();
    free_.push_back(index);
  }
}

bool Impl::send_change(std::uint32_t index) {
  if (!has_room()) return false;
  Slot& slot = slots_[index];
  NatsRequest request;
  request.kind = slot.sent ? NatsRequestKind::kUnsubscribe : NatsRequestKind::kSubscribe;
  request.subscription = {index, slot.generation};
  request.subject = std::exchange(slot.subject, {});
  CHECK(link_->send(request));  // its lanes have room for all that is outstanding
  ++outstanding_;
  slot.sent = !slot.sent;
  return true;
}

void Impl::send_unsent() {
  while (!unsent_.empty() && has_room()) {
    const std::uint32_t index = unsent_.front();
    unsent_.pop_front();
    slots_[index].queued = false;
    if (slots_[index].in_use) reconcile(index);
  }
}

void Impl::settle_publish(RequestToken token, PublishOutcome outcome) {
  if (outcome == PublishOutcome::kAccepted) {
    ++metrics_.broker_published_total;
  } else {
    ++metrics_.broker_publish_failures_total;
  }
  events_.on_published(token, outcome, {});
}

// At-most-once channels have no stream; presence across nodes is not gathered.
void Impl::read_history(Bytes, const HistoryQuery&, const StreamOptions&, RequestToken token,
                        Instant) {
  events_.on_history(token, {.outcome = HistoryOutcome::kUnavailable});
}
void Impl::remove_history(Bytes, RequestToken token, Instant) {
  events_.on_history(token, {.outcome = HistoryOutcome::kUnavailable});
}
void Impl::read_presence(Bytes, bool, RequestToken token, Instant) {
  events_.on_presence(token, {.available = false});
}

void Impl::publish(const Publication& publication, const StreamOptions&, RequestToken token,
                   Instant) {
  shard_.verify();
  const std::size_t size = publication.data.size();
  // A larger one would be dropped by every node that gets it.
  if (!link_->up() || size > options_.max_payload ||
      check_channel_name(publication.channel) != ChannelNameError::kOk) {
    settle_publish(token, PublishOutcome::kUnavailable);
    return;
  }
  if (!has_room() || outstanding_bytes_ + size > options_.lane_bytes) {
    ++metrics_.broker_dropped_full_total;
    settle_publish(token, PublishOutcome::kUnavailable);
    return;
  }
  NatsRequest request;
  request.kind = NatsRequestKind::kPublish;
  request.token = token;
  request.subject = channel_to_subject(options_.subject_prefix, publication.channel);
  request.data = publication.data;
  CHECK(link_->send(request));
  ++outstanding_;
  outstanding_bytes_ += size;
}

void Impl::drain(Instant now) {
  shard_.verify();
  follow_link(now);
  take_answers();
  send_unsent();
  take_messages();
  const std::uint64_t dropped = link_->dropped();
  metrics_.broker_dropped_full_total += dropped - std::exchange(seen_dropped_, dropped);
}

void Impl::follow_link(Instant now) {
  std::string note;
  while (link_->take_note(note)) note_ = std::move(note);
  // Read in this order: a life that begins in between is seen by the next drain.
  const std::uint64_t lives = link_->lives();
  const bool up = link_->up();
  if (!drained_) away_since_ = now_ = now;
  drained_ = true;
  if (!was_up_) outage_ = outage_ + (now - now_);
  if (was_up_ && (!up || lives != seen_lives_)) {
    ++metrics_.broker_outages_total;
    away_since_ = now;
  }
  if (up) note_.clear();
  was_up_ = up;
  seen_lives_ = lives;
  now_ = now;
  metrics_.broker_ready = up ? 1 : 0;
  metrics_.broker_outage_ms_total = static_cast<std::uint64_t>(outage_.to_ms());
}

void Impl::take_answers() {
  NatsAnswer answer;
  // Those that are there now, lest events that ask for more keep this turn going.
  for (std::size_t most = outstanding_; most > 0 && link_->take_answer(answer); --most) {
    CHECK_GT(outstanding_, 0U);
    --outstanding_;
    outstanding_bytes_ -= answer.bytes;
    switch (answer.kind) {
      case NatsRequestKind::kSubscribe:
        on_subscribed(answer.subscription);
        break;
      case NatsRequestKind::kUnsubscribe:
        break;
      case NatsRequestKind::kPublish:
        settle_publish(answer.token,
                       answer.accepted ? PublishOutcome::kAccepted : PublishOutcome::kUnavailable);
        break;
    }
  }
}

void Impl::on_subscribed(NatsSubscriptionId id) {
  Slot& slot = slots_[id.index];
  if (slot.generation != id.generation) return;  // nobody wants it any more
  slot.live = true;
  const std::unique_ptr<Waiting> waiting = std::move(slot.waiting);
  if (waiting == nullptr) return;
  for (const auto& [channel, token] : *waiting) events_.on_interest_ready(channel, token);
}

void Impl::take_messages() {
  if (next_message_ == messages_.size()) {
    messages_.clear();
    next_message_ = 0;
    link_->inbox().take(messages_);
  }
  const std::size_t end = std::min(messages_.size(), next_message_ + kMessagesPerDrain);
  while (next_message_ < end) {
    NatsInbound& inbound = messages_[next_message_++];
    take_message(inbound);
    if (mutated(Mutant::kDuplicateAfterReconnect) && seen_lives_ > 1) take_message(inbound);
    link_->inbox().release(inbound);
  }
}

void Impl::take_message(const NatsInbound& inbound) {
  ++metrics_.broker_received_total;
  const NatsSubscriptionId id = inbound.subscription;
  if (slots_[id.index].generation != id.generation) return;
  const natsMsg* message = inbound.message.get();
  const auto channel = subject_to_channel(options_.subject_prefix, natsMsg_GetSubject(message));
  if (!channel) {
    ++metrics_.broker_dropped_subject_total;
    return;
  }
  const int length = natsMsg_GetDataLength(message);
  const Bytes payload = length > 0 ? Bytes(natsMsg_GetData(message), length) : Bytes();
  const bool any_bytes = options_.takes_any_bytes && options_.takes_any_bytes(*channel);
  Bytes data = payload;
  if (payload.empty() || payload.size() > options_.max_payload ||
      (!any_bytes && !checker_.check(payload, data))) {
    ++metrics_.broker_dropped_payload_total;
    return;
  }
  events_.on_publication(Publication{.channel = *channel, .data = data});
}

BrokerStatus Impl::status() const {
  if (link_->up()) return {};
  const std::int64_t away = was_up_ ? 0 : (now_ - away_since_).to_seconds();
  return {.ready = false, .cause = nats_away_text(options_.urls, away, link_->cause(), note_)};
}

}  // namespace

Result<std::unique_ptr<NatsBroker>> NatsBroker::make(const NatsOptions& options,
                                                     BrokerEvents& events, Waker& waker,
                                                     ShardMetrics& metrics) {
  if (const auto checked = check_nats_options(options); !checked) return checked.error();
  auto link = std::make_unique<NatsLink>(options, waker);
  if (const auto started = link->start(); !started) return started.error();
  for (int ms = 0; ms < options.wait_connected_ms && !link->up(); ms += kWaitSliceMs) {
    nats_Sleep(kWaitSliceMs);
  }
  return over(std::move(link), options, events, metrics);
}

std::unique_ptr<NatsBroker> NatsBroker::over(std::unique_ptr<BrokerLink> link,
                                             const NatsOptions& options, BrokerEvents& events,
                                             ShardMetrics& metrics) {
  return std::make_unique<Impl>(options, events, metrics, std::move(link));
}

}  // namespace millrace

#include "net/nats/nats_broker.h"

#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"
#include "core/hub/channel_name.h"
#include "net/nats/subject.h"

namespace millrace {
namespace {

// A table that is emptier than this gives memory back.
constexpr std::size_t kSparse = 8;

}  // namespace

NatsBroker::NatsBroker(NatsPort& port, BrokerEvents& events, ShardMetrics& metrics)
    : port_(port),
      events_(events),
      metrics_(metrics),
      prefix_namespaces_(port.options().prefix_namespaces.begin(),
                         port.options().prefix_namespaces.end()) {}

// --- interest ------------------------------------------------------------------------------------

bool NatsBroker::has_prefix_interest(Bytes channel) const {
  return prefix_namespaces_.contains(channel_namespace(channel));
}

std::string NatsBroker::subject_for(Bytes channel) const {
  const std::string& prefix = port_.options().subject_prefix;
  return has_prefix_interest(channel) ? namespace_wildcard(prefix, channel_namespace(channel))
                                      : channel_to_subject(prefix, channel);
}

NatsBroker::Interest& NatsBroker::interest_for(Bytes channel) {
  const bool wide = has_prefix_interest(channel);
  if (wide) {
    const auto found = wildcards_.find(channel_namespace(channel));
    if (found != wildcards_.end()) return interests_[found->second];
  }
  const NatsSubscriptionId id = port_.subscribe(subject_for(channel), *this);
  Interest& interest = interests_.take(id.index);
  interest.subscription = id;
  if (wide) wildcards_.emplace(channel_namespace(channel), id.index);
  ++metrics_.nats_subscriptions;
  return interest;
}

bool NatsBroker::add_interest(Bytes channel, InterestToken token) {
  // The hub has checked the name. What would not be a subject of its own must not come near NATS.
  if (check_channel_name(channel) != ChannelNameError::kOk) return true;
  CHECK(!channels_.contains(channel));
  Interest& interest = interest_for(channel);
  channels_.emplace(channel, interest.subscription.index);
  ++interest.channels;
  if (port_.covered(interest.subscription)) return true;
  if (interest.waiting == nullptr) interest.waiting = std::make_unique<Waiting>();
  interest.waiting->emplace(channel, token);
  return false;
}

void NatsBroker::remove_interest(Bytes channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return;
  Interest& interest = interests_[found->second];
  channels_.erase(found);
  if (channels_.size() < channels_.bucket_count() / kSparse) channels_.rehash(0);
  if (interest.waiting != nullptr) {
    const auto waiter = interest.waiting->find(channel);
    if (waiter != interest.waiting->end()) interest.waiting->erase(waiter);
  }
  if (--interest.channels > 0) return;
  if (has_prefix_interest(channel)) wildcards_.erase(wildcards_.find(channel_namespace(channel)));
  --metrics_.nats_subscriptions;
  const NatsSubscriptionId id = interest.subscription;
  interests_.release(id.index);
  port_.unsubscribe(id);
}

void NatsBroker::on_nats_subscribed(NatsSubscriptionId id, Instant /*now*/) {
  const std::unique_ptr<Waiting> waiting = std::move(interests_[id.index].waiting);
  if (waiting == nullptr) return;
  for (const auto& [channel, token] : *waiting) events_.on_interest_ready(channel, token);
}

// --- publications --------------------------------------------------------------------------------

void NatsBroker::settle_publish(RequestToken token, PublishOutcome outcome) {
  if (outcome == PublishOutcome::kAccepted) {
    ++metrics_.broker_published_total;
  } else {
    ++metrics_.broker_publish_failures_total;
  }
  events_.on_published(token, outcome, {});
}

void NatsBroker::on_nats_posted(std::uint64_t token, bool accepted, Instant /*now*/) {
  settle_publish(token, accepted ? PublishOutcome::kAccepted : PublishOutcome::kUnavailable);
}

void NatsBroker::publish(const Publication& publication, const StreamOptions& /*options*/,
                         RequestToken token, Instant /*now*/) {
  // A larger one would be dropped by every node that gets it.
  const NatsOptions& options = port_.options();
  const bool fits = publication.data.size() <= options.max_payload &&
                    check_channel_name(publication.channel) == ChannelNameError::kOk;
  if (!fits ||
      !port_.publish({.subject = channel_to_subject(options.subject_prefix, publication.channel),
                      .data = std::string(publication.data)},
                     this, token)) {
    settle_publish(token, PublishOutcome::kUnavailable);
  }
}

void NatsBroker::on_nats_message(NatsSubscriptionId /*id*/, const NatsMessageView& message,
                                 Instant /*now*/) {
  deliver(message);
  if (mutated(Mutant::kDuplicateAfterReconnect) && port_.lives() > 1) deliver(message);
}

void NatsBroker::deliver(const NatsMessageView& message) {
  ++metrics_.broker_received_total;
  const NatsOptions& options = port_.options();
  const auto channel = subject_to_channel(options.subject_prefix, message.subject());
  if (!channel) {
    ++metrics_.broker_dropped_subject_total;
    return;
  }
  const Bytes payload = message.data();
  const bool any_bytes = options.takes_any_bytes && options.takes_any_bytes(*channel);
  Bytes data = payload;
  if (payload.empty() || payload.size() > options.max_payload ||
      (!any_bytes && !checker_.check(payload, data))) {
    ++metrics_.broker_dropped_payload_total;
    return;
  }
  events_.on_publication(Publication{.channel = *channel, .data = data});
}

// --- what core NATS does not keep ----------------------------------------------------------------

void NatsBroker::read_history(Bytes, const HistoryQuery&, const StreamOptions&, RequestToken token,
                              Instant) {
  events_.on_history(token, {.outcome = HistoryOutcome::kUnavailable});
}
void NatsBroker::remove_history(Bytes, RequestToken token, Instant) {
  events_.on_history(token, {.outcome = HistoryOutcome::kUnavailable});
}
void NatsBroker::read_presence(Bytes, bool, RequestToken token, Instant) {
  events_.on_presence(token, {.available = false});
}

}  // namespace millrace

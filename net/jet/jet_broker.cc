#include "net/jet/jet_broker.h"

#include <utility>

#include "core/base/assert.h"
#include "core/hub/channel_name.h"
#include "net/jet/jet_names.h"
#include "net/nats/subject.h"

namespace millrace {

JetBroker::JetBroker(NatsPort& port, const std::vector<JetNamespace>& namespaces, const Loan& loan,
                     const JetLimits& limits)
    : port_(port),
      events_(loan.events),
      timers_(loan.timers),
      calendar_(loan.calendar),
      metrics_(loan.metrics),
      limits_(limits),
      payloads_(port.options(), metrics_),
      keeper_(port, namespaces, *this, timers_, loan.random, metrics_),
      reader_(port, keeper_, payloads_, *this, timers_, metrics_),
      publisher_(port, *this, timers_, loan.random, metrics_),
      remover_(port, *this),
      cache_(metrics_, limits.cache_bytes),
      tracks_(limits.channels),
      wildcards_(namespaces.size()),
      questions_(limits.questions) {
  for (const JetNamespace& name_space : namespaces) CHECK(name_space.kept.kept());
  port_.follow(*this);
}

JetBroker::~JetBroker() {
  timers_.cancel(timer_);
  questions_.for_each([this](SlotId id, Question&) { questions_.release(id); });
  tracks_.for_each([this](SlotId id, ChannelTrack& track) {
    listen_no_more(track);
    cache_.reset(track.window, 0);
    tracks_.release(id);
  });
}

std::uint64_t JetBroker::token_of(Asker asker, SlotId id) {
  return std::uint64_t{static_cast<std::uint8_t>(asker)} << kAskerShift | id.pack();
}

bool JetBroker::covers(Bytes channel) const {
  return keeper_.find(channel_namespace(channel)) < keeper_.size();
}

// --- interest ------------------------------------------------------------------------------------

ChannelTrack* JetBroker::find(Bytes channel) {
  const auto found = by_name_.find(channel);
  return found == by_name_.end() ? nullptr : tracks_.find(found->second);
}

void JetBroker::listen(ChannelTrack& track) {
  const std::string& prefix = port_.options().subject_prefix;
  const JetNamespace& settings = keeper_.at(track.stream).settings;
  if (!settings.prefix_interest) {
    track.subscription = port_.subscribe(jet_out_subject(prefix, track.channel), *this);
    by_subscription_.emplace(track.subscription->index, track.id);
    ++metrics_.nats_subscriptions;
    return;
  }
  Interest& interest = wildcards_[track.stream];
  if (interest.channels++ > 0) return;
  interest.subscription = port_.subscribe(jet_out_wildcard(prefix, settings.name), *this);
  ++metrics_.nats_subscriptions;
}

void JetBroker::listen_no_more(ChannelTrack& track) {
  std::optional<NatsSubscriptionId> ended = track.subscription;
  if (ended) {
    by_subscription_.erase(ended->index);
  } else {
    Interest& interest = wildcards_[track.stream];
    if (--interest.channels == 0) ended = std::exchange(interest.subscription, std::nullopt);
  }
  if (!ended) return;
  port_.unsubscribe(*ended);
  --metrics_.nats_subscriptions;
}

bool JetBroker::covered(const ChannelTrack& track) const {
  return port_.covered(track.subscription ? *track.subscription
                                          : *wildcards_[track.stream].subscription);
}

bool JetBroker::add_interest(Bytes channel, InterestToken token) {
  // The hub has checked the name, and has no more channels than there is room for.
  if (check_channel_name(channel) != ChannelNameError::kOk) return true;
  CHECK(!by_name_.contains(channel));
  const auto acquired = tracks_.acquire();
  CHECK(acquired.object != nullptr);
  ChannelTrack& track = *acquired.object;
  track.id = acquired.id;
  track.channel = channel;
  track.interest = token;
  track.stream = keeper_.find(channel_namespace(channel));
  by_name_.emplace(channel, track.id);
  listen(track);
  track.waits_for_interest = !covered(track);
  return !track.waits_for_interest;
}

void JetBroker::remove_interest(Bytes channel) {
  ChannelTrack* track = find(channel);
  if (track == nullptr) return;
  by_name_.erase(by_name_.find(channel));
  listen_no_more(*track);
  if (track->check) reader_.forget(*track->check);
  if (track->doubt_out) --doubts_out_;
  if (track->filling != nullptr) static_cast<void>(end_filling(*track));
  cache_.reset(track->window, 0);
  const std::vector<SlotId> askers = std::move(track->askers);
  tracks_.release(track->id);
  // From inside a call of the hub's nobody is answered; their own time ends, or the reader does.
  for (const SlotId id : askers) ask_alone(id, now_);
}

void JetBroker::on_nats_subscribed(NatsSubscriptionId id, Instant /*now*/) {
  std::vector<SlotId> ready;
  const auto own = by_subscription_.find(id.index);
  if (own != by_subscription_.end()) {
    ready.push_back(own->second);
  } else {
    tracks_.for_each([&](SlotId each, const ChannelTrack& track) {
      const auto& interest = wildcards_[track.stream].subscription;
      if (track.waits_for_interest && !track.subscription && interest &&
          interest->index == id.index) {
        ready.push_back(each);
      }
    });
  }
  for (const SlotId each : ready) {
    ChannelTrack* track = tracks_.find(each);
    if (track == nullptr || !std::exchange(track->waits_for_interest, false)) continue;
    const std::string channel = track->channel;
    events_.on_interest_ready(channel, track->interest);
  }
}

// --- publications, removals ----------------------------------------------------------------------

void JetBroker::publish(const Publication& publication, const StreamOptions& /*options*/,
                        RequestToken token, Instant now) {
  const NatsOptions& options = port_.options();
  const std::uint32_t stream = keeper_.find(channel_namespace(publication.channel));
  const bool fits = publication.data.size() <= options.max_payload &&
                    check_channel_name(publication.channel) == ChannelNameError::kOk;
  if (fits && publisher_.publish(stream, keeper_.at(stream).plan.name,
                                 channel_to_subject(options.subject_prefix, publication.channel),
                                 publication.data, publication.info, token, now)) {
    return;
  }
  if (fits) ++metrics_.broker_dropped_full_total;
  on_stored(token, stream, PublishOutcome::kUnavailable, 0);
}

void JetBroker::on_stored(RequestToken token, std::uint32_t stream, PublishOutcome outcome,
                          std::uint64_t sequence) {
  if (outcome == PublishOutcome::kAccepted) {
    ++metrics_.broker_published_total;
    return events_.on_published(token, outcome, {sequence, keeper_.at(stream).epoch});
  }
  ++metrics_.broker_publish_failures_total;
  events_.on_published(token, outcome, {});
}

void JetBroker::remove_history(Bytes channel, RequestToken token, Instant now) {
  const std::uint32_t stream = keeper_.find(channel_namespace(channel));
  if (remover_.remove(stream, keeper_.at(stream).plan.name, channel, token, now)) return;
  on_removed(token, stream, false, 0);
}

void JetBroker::on_removed(RequestToken token, std::uint32_t stream, bool ok, std::uint64_t top) {
  HistoryPage page;
  page.outcome = ok ? HistoryOutcome::kOk : HistoryOutcome::kUnavailable;
  const KeptStream& kept = keeper_.at(stream);
  if (ok) page.top = {top == 0 ? kept.last : top, kept.epoch};
  events_.on_history(token, page);
}

void JetBroker::read_presence(Bytes, bool, RequestToken token, Instant) {
  events_.on_presence(token, {.available = false});
}

BrokerStatus JetBroker::status() const { return keeper_.status(); }

}  // namespace millrace

#include "net/nodes/node_beats.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/nodes/node_subjects.h"

namespace millrace {

NodeBeats::NodeBeats(NatsPort& port, NodeDirectory& directory, TimerWheel& timers, Random& random,
                     ShardMetrics& metrics)
    : port_(port),
      directory_(directory),
      timers_(timers),
      random_(random),
      metrics_(metrics),
      heartbeat_(
          port.subscribe(all_nodes_subject(port.options().subject_prefix, "heartbeat"), *this)) {
  directory_.watch(*this);
  port_.follow(*this);
}

NodeBeats::~NodeBeats() {
  timers_.cancel(beat_timer_);
  timers_.cancel(expiry_timer_);
  directory_.unwatch(*this);
}

void NodeBeats::speak(std::function<NodeFacts(Instant now)> facts) {
  CHECK(!speaks());
  CHECK(facts != nullptr);
  facts_ = std::move(facts);
  hello_ = port_.subscribe(all_nodes_subject(port_.options().subject_prefix, "hello"), *this);
}

// --- hearing -------------------------------------------------------------------------------------

void NodeBeats::on_nats_up(Instant now) { begin_to_hear(now); }

void NodeBeats::on_nats_down(Instant now) {
  directory_.hears(false, now);
  timers_.cancel(expiry_timer_);
  timers_.cancel(beat_timer_);
}

void NodeBeats::on_nats_subscribed(NatsSubscriptionId id, Instant now) {
  if (id == heartbeat_) begin_to_hear(now);
}

// Up, and the server has the subscription: so whoever answers the hello is heard.
void NodeBeats::begin_to_hear(Instant now) {
  if (goodbye_ || !port_.up() || !port_.covered(heartbeat_)) return;
  directory_.hears(true, now);
  plan_expiry();
  static_cast<void>(
      port_.publish({all_nodes_subject(port_.options().subject_prefix, "hello"), {}}));
  if (speaks()) beat(now);
}

void NodeBeats::on_nats_message(NatsSubscriptionId id, const NatsMessageView& message,
                                Instant now) {
  if (id == heartbeat_) return take_beat(message.data(), now);
  // Those who say hello at about the same time are answered by one beat.
  if (!goodbye_) beat_by(std::max(now, last_beat_ + kHelloPause));
}

void NodeBeats::take_beat(Bytes body, Instant now) {
  const auto beat = reader_.read(body);
  if (!beat) {
    ++metrics_.node_messages_dropped_total;
    return;
  }
  const std::uint64_t refused = directory_.stats().refused;
  directory_.heard(*beat, now);
  metrics_.node_messages_dropped_total += directory_.stats().refused - refused;
  if (!expiry_timer_.armed()) plan_expiry();
}

void NodeBeats::on_node_new(const NodeId& /*node*/, Instant /*now*/) {
  if (speaks()) metrics_.nodes_known = directory_.others().size();
}

void NodeBeats::on_node_gone(const NodeId& /*node*/, Instant /*now*/) {
  if (!speaks()) return;
  metrics_.nodes_known = directory_.others().size();
  ++metrics_.nodes_gone_total;
}

void NodeBeats::plan_expiry() {
  const Instant due = directory_.next_due();
  if (due == Instant::never()) {
    timers_.cancel(expiry_timer_);
  } else {
    timers_.arm(expiry_timer_, due, *this);
  }
}

// --- speaking ------------------------------------------------------------------------------------

void NodeBeats::on_timer(Timer& timer, Instant now) {
  if (&timer == &expiry_timer_) {
    directory_.expire(now);
    plan_expiry();
    return;
  }
  CHECK(&timer == &beat_timer_);
  beat(now);
}

void NodeBeats::beat(Instant now) {
  if (goodbye_ || !port_.up()) return;
  // One that finds the lane full is missed, as if it were lost.
  static_cast<void>(port_.publish(next_beat(false, now)));
  last_beat_ = now;
  timers_.cancel(beat_timer_);
  constexpr std::int64_t kSpread = 2 * NodeDirectory::kBeatJitter.ns;
  const auto late = static_cast<std::int64_t>(random_.below(kSpread));
  beat_by(now + NodeDirectory::kBeatInterval - NodeDirectory::kBeatJitter + nanoseconds(late));
}

NatsPost NodeBeats::next_beat(bool goodbye, Instant now) {
  NodeBeat beat{
      .id = directory_.self(), .number = ++beats_, .goodbye = goodbye, .facts = facts_(now)};
  return {all_nodes_subject(port_.options().subject_prefix, "heartbeat"), node_beat_json(beat)};
}

void NodeBeats::beat_by(Instant at) {
  if (beat_timer_.armed() && beat_timer_.deadline() <= at) return;
  timers_.arm(beat_timer_, at, *this);
}

void NodeBeats::say_goodbye(Instant now) {
  if (std::exchange(goodbye_, true)) return;
  timers_.cancel(beat_timer_);
  if (speaks()) goodbye_out_ = port_.publish(next_beat(true, now), this);
}

void NodeBeats::on_nats_posted(std::uint64_t /*token*/, bool /*accepted*/, Instant /*now*/) {
  goodbye_out_ = false;
}

}  // namespace millrace

#include "net/nodes/cluster_node.h"

#include <algorithm>

#include "core/base/assert.h"

namespace millrace {

ClusterNode::ClusterNode(const ClusterNodeParts& parts, const NodeIdentity& node,
                         std::size_t client_shards, const PresenceLimits& limits)
    : port_(parts.port),
      mailbox_(parts.mailbox),
      timers_(parts.timers),
      metrics_(parts.metrics),
      node_(node),
      directory_(node.id),
      beats_(parts.port, directory_, parts.timers, parts.random, parts.metrics),
      presence_({parts.port, directory_, parts.mailbox, parts.timers, parts.events, parts.metrics},
                client_shards, limits),
      counts_(client_shards) {
  CHECK(!node.id.none());
  port_.follow(*this);
  if (speaks()) beats_.speak([this](Instant now) { return facts(now); });
}

ClusterNode::~ClusterNode() {
  timers_.cancel(counts_timer_);
  timers_.cancel(leave_timer_);
}

bool ClusterNode::on_message(ShardId from, Message& message, Instant now) {
  if (const auto* counts = std::get_if<NodeCounts>(&message)) {
    counts_.at(from.value) = *counts;
    return true;
  }
  return presence_.on_message(from, message, now);
}

// --- the node's numbers --------------------------------------------------------------------------

void ClusterNode::on_nats_up(Instant now) {
  started_ = std::min(started_, now);
  if (!speaks() && !leaving_) tell_counts(now);
}

NodeCounts ClusterNode::counts() const {
  return {metrics_.clients, metrics_.channels, metrics_.subscriptions};
}

void ClusterNode::tell_counts(Instant now) {
  const NodeCounts at_present = counts();
  Message message = at_present;
  // If the lane is full, the next ones are newer.
  if (at_present != told_ && mailbox_.try_send(ShardId{0}, message)) told_ = at_present;
  timers_.arm(counts_timer_, now + NodeDirectory::kBeatInterval, *this);
}

NodeFacts ClusterNode::facts(Instant now) const {
  NodeFacts facts{.name = node_.name, .version = node_.version, .shards = counts_.size()};
  const auto add = [&facts](const NodeCounts& more) {
    facts.clients += more.clients;
    facts.channels += more.channels;
    facts.subscriptions += more.subscriptions;
  };
  add(counts());
  for (const NodeCounts& others : counts_) add(others);
  facts.uptime = started_ < now ? now - started_ : Duration{};
  return facts;
}

void ClusterNode::on_timer(Timer& timer, Instant now) {
  if (&timer == &counts_timer_) return tell_counts(now);
  CHECK(&timer == &leave_timer_);
  out_of_patience_ = true;
}

// --- the end -------------------------------------------------------------------------------------

void ClusterNode::leave(Instant now) {
  if (leaving_) return;
  leaving_ = true;
  timers_.cancel(counts_timer_);
  presence_.tell_last(now);
  beats_.say_goodbye(now);
  timers_.arm(leave_timer_, now + kLeavePatience, *this);
}

bool ClusterNode::left() const {
  return leaving_ &&
         (out_of_patience_ || !port_.up() || (presence_.all_told() && beats_.goodbye_said()));
}

}  // namespace millrace

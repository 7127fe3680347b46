// This node among the others, as one shard has a part in it: who else is there (NodeDirectory,
// which NodeBeats fills), who is in channels (ClusterPresence), and the node's end.
//
// The first shard of a node speaks for it: it beats, with the numbers that the others send it.
//
// Owner: the shard; made before the port's first turn. The port is not drained after it is gone.
// Limits: those of its parts; kLeavePatience.
#pragma once

#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/hub/broker.h"
#include "core/metrics/shard_metrics.h"
#include "core/shard/mailbox.h"
#include "core/time/timer_wheel.h"
#include "net/nats/nats_port.h"
#include "net/nodes/cluster_presence.h"
#include "net/nodes/node_beats.h"
#include "net/nodes/node_directory.h"

namespace millrace {

// What a node is to others; the same for all its shards.
struct NodeIdentity {
  NodeId id = {};
  std::string name = {};  // at most kMaxNodeText bytes, as the version
  std::string version = {};
};

// What it stands on; all must outlive it.
struct ClusterNodeParts {
  NatsPort& port;
  Mailbox& mailbox;
  TimerWheel& timers;
  Random& random;
  BrokerEvents& events;
  ShardMetrics& metrics;
};

class ClusterNode final : private NatsFollower, private TimerHandler {
 public:
  // How long a node that ends waits for NATS to take its last words.
  static constexpr Duration kLeavePatience = milliseconds(500);

  // `client_shards` of the network's shards take part. REQUIRES: the node has an id.
  ClusterNode(const ClusterNodeParts& parts, const NodeIdentity& node, std::size_t client_shards,
              const PresenceLimits& limits);
  ~ClusterNode();
  ClusterNode(const ClusterNode&) = delete;
  ClusterNode& operator=(const ClusterNode&) = delete;

  [[nodiscard]] NodeDirectory& directory() { return directory_; }
  [[nodiscard]] ClusterPresence& presence() { return presence_; }

  // The messages of its parts; false if `message` is none of them.
  [[nodiscard]] bool on_message(ShardId from, Message& message, Instant now);

  // The node ends, all its clients are gone: tells the others what they are to know yet. Again is
  // no more than once.
  void leave(Instant now);
  [[nodiscard]] bool leaving() const { return leaving_; }
  [[nodiscard]] bool left() const;

 private:
  void on_nats_up(Instant now) override;
  void on_nats_down(Instant /*now*/) override {}
  void on_timer(Timer& timer, Instant now) override;

  [[nodiscard]] bool speaks() const { return mailbox_.self() == ShardId{0}; }
  [[nodiscard]] NodeFacts facts(Instant now) const;
  [[nodiscard]] NodeCounts counts() const;
  void tell_counts(Instant now);

  NatsPort& port_;
  Mailbox& mailbox_;
  TimerWheel& timers_;
  const ShardMetrics& metrics_;
  const NodeIdentity node_;
  NodeDirectory directory_;
  NodeBeats beats_;
  ClusterPresence presence_;
  std::vector<NodeCounts> counts_;  // as told by the other shards, if this one speaks
  NodeCounts told_;                 // if it does not
  Instant started_ = Instant::never();
  Timer counts_timer_;
  Timer leave_timer_;
  bool leaving_ = false;
  bool out_of_patience_ = false;
};

}  // namespace millrace

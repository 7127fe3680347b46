// Hears the other nodes and lets them hear this one: what fills a NodeDirectory.
//
//   millrace.node.all.heartbeat   a node's beat (node_beat.h): each second, and its goodbye
//   millrace.node.all.hello       a newcomer's: every node beats at once, so that the newcomer, and
//                                 who was away, knows all after a round trip
//
// Each shard hears for itself. One shard of a node speaks for it, the first: it alone beats and
// answers hellos; many hellos at once are answered together (kHelloPause).
//
// Owner: a shard; made before the port's first turn, and outlives it no longer than it is drained.
// Limits: a body's, as node_beat.h has them; what is no beat is dropped and counted.
#pragma once

#include <functional>

#include "core/base/random.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/timer_wheel.h"
#include "net/nats/nats_port.h"
#include "net/nodes/node_directory.h"

namespace millrace {

class NodeBeats final : private NatsListener,
                        private NatsFollower,
                        private NatsPoster,
                        private NodeWatcher,
                        private TimerHandler {
 public:
  // Between two beats at least, however many say hello.
  static constexpr Duration kHelloPause = milliseconds(50);

  // All must outlive it.
  NodeBeats(NatsPort& port, NodeDirectory& directory, TimerWheel& timers, Random& random,
            ShardMetrics& metrics);
  ~NodeBeats();
  NodeBeats(const NodeBeats&) = delete;
  NodeBeats& operator=(const NodeBeats&) = delete;

  // This shard speaks for its node; `facts` is asked at each beat. At most once, before the port's
  // first turn.
  void speak(std::function<NodeFacts(Instant now)> facts);
  // The last beat. From here on nobody is answered any more.
  void say_goodbye(Instant now);
  // The goodbye is at the server, or will not be: the connection is away.
  [[nodiscard]] bool goodbye_said() const { return goodbye_ && !goodbye_out_; }

 private:
  void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) override;
  void on_nats_subscribed(NatsSubscriptionId id, Instant now) override;
  void on_nats_posted(std::uint64_t token, bool accepted, Instant now) override;
  void on_nats_up(Instant now) override;
  void on_nats_down(Instant now) override;
  void on_node_new(const NodeId& node, Instant now) override;
  void on_node_gone(const NodeId& node, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

  [[nodiscard]] bool speaks() const { return facts_ != nullptr; }
  void begin_to_hear(Instant now);
  void take_beat(Bytes body, Instant now);
  void beat(Instant now);
  [[nodiscard]] NatsPost next_beat(bool goodbye, Instant now);
  void beat_by(Instant at);
  void plan_expiry();

  NatsPort& port_;
  NodeDirectory& directory_;
  TimerWheel& timers_;
  Random& random_;
  ShardMetrics& metrics_;
  NodeBeatReader reader_;
  std::function<NodeFacts(Instant)> facts_;
  NatsSubscriptionId heartbeat_;
  NatsSubscriptionId hello_;  // if it speaks
  std::uint64_t beats_ = 0;
  Instant last_beat_{};
  Timer beat_timer_;
  Timer expiry_timer_;
  bool goodbye_ = false;
  bool goodbye_out_ = false;
};

}  // namespace millrace

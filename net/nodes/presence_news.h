// Joins and leaves between nodes: what the owner of a channel on one node tells, brought to every
// shard of every node that has a subscriber to tell, its own among them.
//
//   millrace.node.all.presence.<channel's subject>   news of a channel (presence_wire.h)
//
// A shard subscribes to a channel's news when it has its first member there that announces itself
// (only members are told), and until it has no subscriber any more: of a namespace whose interest
// is `prefix` to all of it at once. Core NATS carries them, at most once: what is told while NATS
// is away is not told, and counted; presence can be asked for.
//
// Order: one node's news of a channel arrive as they were told, so a client's leave comes behind
// its join. Of two nodes nothing is promised but what the delays of core/hub/presence_table.h make:
// who goes from one node to another has joined there before he has left here.
//
// Owner: a shard. Limits: one subscription a channel, or a namespace; a body's (presence_wire.h).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/hash.h"
#include "core/hub/broker.h"
#include "core/metrics/shard_metrics.h"
#include "net/nats/nats_port.h"
#include "net/nodes/presence_wire.h"

namespace millrace {

class PresenceNewsDesk final : private NatsListener, private NatsPoster {
 public:
  // All must outlive it, and the port is not drained after it is gone.
  PresenceNewsDesk(NatsPort& port, BrokerEvents& events, ShardMetrics& metrics);

  // REQUIRES, of all: a valid channel name.
  void want(Bytes channel);  // again is no more than once
  void want_no_more(Bytes channel);
  void tell(Bytes channel, std::span<const PresenceChange> changes);

  // News that the server may not have yet.
  [[nodiscard]] std::size_t on_the_way() const { return on_the_way_; }

 private:
  struct Wildcard {
    NatsSubscriptionId subscription;
    std::size_t channels = 0;
  };
  template <typename Value>
  using ByName = boost::unordered_flat_map<std::string, Value, BytesHash, std::equal_to<>>;

  void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) override;
  void on_nats_posted(std::uint64_t token, bool accepted, Instant now) override;

  [[nodiscard]] bool wide(Bytes channel) const;
  [[nodiscard]] NatsSubscriptionId subscribe(std::string subject);

  NatsPort& port_;
  BrokerEvents& events_;
  ShardMetrics& metrics_;
  const std::string stem_;  // "prefix.millrace.node.all.presence"
  const boost::unordered_flat_set<std::string, BytesHash, std::equal_to<>> prefix_namespaces_;
  ByName<NatsSubscriptionId> wanted_;  // by channel
  ByName<Wildcard> wildcards_;         // by namespace
  PresenceReader reader_;
  std::size_t on_the_way_ = 0;
};

}  // namespace millrace

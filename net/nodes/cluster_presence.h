// Presence in a cluster: who is in a channel on this node is kept by the shard that owns the
// channel here (its name's hash decides, as in core/hub/memory_broker.h), and every answer is put
// together of all nodes.
//
//   members come and go on shard A -> [A's lane] -> owner here: PresenceTable
//   who asks on A -> [A's lane] -> owner here -> PresenceGather: all other nodes
//                                    -> [owner's lane] -> A: this node's now, and the others'
//   another node asks -> `millrace.node.<id>.presence`, any shard of the node -> [lane] -> owner
//                                    -> [lane] -> the answer
//   joins and leaves -> owner's table -> PresenceNewsDesk -> every shard of every node that wants
//                                    them
//
// This node's part of an answer is of this moment, the others' may be PresenceGather::kKept old.
// No answer (error 100, temporary) while a node that is known does not answer or NATS is away:
// never a list that misses somebody unseen. A node that is gone is not missed, and its members are
// gone with it; nobody is told leaves of theirs.
//
// Owner: the shard. Limits: those of MemoryBroker between shards; kMaxAsked questions that wait for
// another shard; what is of a list is bounded by `limits.list_bytes` over all nodes.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "core/hub/broker.h"
#include "core/hub/presence_table.h"
#include "core/metrics/shard_metrics.h"
#include "core/shard/mailbox.h"
#include "core/time/timer_wheel.h"
#include "net/nats/nats_port.h"
#include "net/nodes/node_directory.h"
#include "net/nodes/presence_gather.h"
#include "net/nodes/presence_news.h"

namespace millrace {

// What it stands on; all must outlive it.
struct ClusterPresenceParts {
  NatsPort& port;
  const NodeDirectory& directory;
  Mailbox& mailbox;
  TimerWheel& timers;
  BrokerEvents& events;
  ShardMetrics& metrics;
};

class ClusterPresence final : private PresenceGatherEvents,
                              private NatsListener,
                              private TimerHandler {
 public:
  // Of members on their way from one shard to another.
  static constexpr std::size_t kAnswerBytes = 16U * 1024U * 1024U;
  static constexpr std::size_t kMaxAsked = 65'536;

  // `client_shards` of the network's shards take part. The port is not drained after it is gone.
  ClusterPresence(const ClusterPresenceParts& parts, std::size_t client_shards,
                  const PresenceLimits& limits);
  ~ClusterPresence();
  ClusterPresence(const ClusterPresence&) = delete;
  ClusterPresence& operator=(const ClusterPresence&) = delete;

  // As Broker has them.
  void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now);
  void add_member(Bytes channel, const ClientInfo& member, const PresenceOptions& options,
                  Instant now);
  void remove_member(Bytes channel, Bytes client, Instant now);
  // The last subscriber on this shard is gone.
  void drop_interest(Bytes channel) { news_.want_no_more(channel); }

  // Its messages; false if `message` is none of them.
  bool on_message(ShardId from, Message& message, Instant now);

  // The node ends: whoever has left is told to have left now, not when it would be time.
  void tell_last(Instant now);
  [[nodiscard]] bool all_told() const { return news_.on_the_way() == 0; }

  [[nodiscard]] const PresenceTable& table() const { return table_; }
  [[nodiscard]] const PresenceGather& gather() const { return gather_; }

 private:
  // A question that another shard of this node answers.
  struct Asked {
    RequestToken token = 0;  // of this shard's hub,
    std::string inbox = {};  // or of another node, if it is not empty
    bool counts_only = false;
  };

  void on_gathered(const PresenceAsker& asker, Bytes channel, bool counts_only,
                   const GatheredPresence* others) override;
  void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

  [[nodiscard]] ShardId owner_of(Bytes channel) const;
  // False: the lane is full, or too many wait.
  [[nodiscard]] bool ask_owner(ShardId owner, PresenceRequest request, Asked asked);
  void change_member(ShardId shard, const MemberChange& change, Instant now);
  void answer(ShardId from, const PresenceRequest& request, Instant now);
  void take(ShardId from, const PresenceAnswer& answer);
  void reply(const std::string& inbox, const PresenceAnswer& answer, bool counts_only);
  [[nodiscard]] PresenceAnswer of_this_node(Bytes channel, bool counts_only);
  [[nodiscard]] PresenceAnswer of_all(Bytes channel, bool counts_only,
                                      const GatheredPresence& others);
  [[nodiscard]] std::vector<std::uint64_t> digests(Bytes channel) const;
  void announce(Instant now);
  void plan_announcement();

  NatsPort& port_;
  Mailbox& mailbox_;
  TimerWheel& timers_;
  BrokerEvents& events_;
  ShardMetrics& metrics_;
  const std::size_t client_shards_;
  const std::size_t list_bytes_;
  PresenceTable table_;
  PresenceNewsDesk news_;
  PresenceGather gather_;
  PresenceReader reader_;
  boost::unordered_flat_map<std::uint64_t, Asked> asked_;
  std::uint64_t last_asked_ = 0;
  std::vector<std::uint64_t> bytes_sent_;   // of answers, by the shard that asked
  std::vector<std::uint64_t> bytes_taken_;  // of answers, by the shard that answered
  Timer announcement_;
};

}  // namespace millrace

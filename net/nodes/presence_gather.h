// What the other nodes know of a channel, asked of all of them at once.
//
// 1. One question to the cluster is on its way for all who ask of a channel, and what came of it is
//    kept for kKept: a crowd that asks costs the other nodes two questions a second. An answer may
//    so be kKept old, of other nodes' members.
// 2. All others that are known answer within kPatience, or nobody gets an answer (error 100,
//    temporary): a list that misses a node would be wrong, and nobody could see it. A node that
//    has gone meanwhile is not missed. That there was no answer is kept as well.
// 3. While the directory has not settled (node_directory.h) a question waits for it; while NATS is
//    away there is no answer.
// 4. Only numbers are asked for where only numbers are wanted. Users are one set over all nodes as
//    long as each node has at most kUsersCompared in the channel (and finds them quickly:
//    PresenceTable::users()); those of a node that has more are counted apart, so who has tabs on
//    two such nodes counts twice.
//
// Owner: a shard, of the channels that it owns among its node's shards. Limits: kMaxGathers and
// kMaxAskers, beyond which there is no answer; kMaxKept and kKeptBytes, beyond which the oldest are
// kept no longer; kMaxListed members and `list_bytes` of a list.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/timer_wheel.h"
#include "net/nats/nats_port.h"
#include "net/nodes/node_directory.h"
#include "net/nodes/presence_wire.h"

namespace millrace {

// What the others have, put together.
struct GatheredPresence {
  std::uint64_t clients = 0;
  std::uint64_t users_apart = 0;     // of nodes that sent no digests
  std::vector<std::uint64_t> users;  // digests of all others, each once, in their order
  OwnedBytes members;                // packed (core/hub/presence_bytes.h)
  std::size_t listed = 0;            // of them
  std::size_t list_bytes = 0;        // as PresenceLimits counts them
};

// Who asked; the owner's words, handed back.
struct PresenceAsker {
  ShardId shard;
  std::uint64_t token = 0;
  std::uint64_t bytes_taken = 0;
};

class PresenceGatherEvents {
 public:
  // Once for each ask(), perhaps from inside it. nullptr: there is no answer.
  virtual void on_gathered(const PresenceAsker& asker, Bytes channel, bool counts_only,
                           const GatheredPresence* others) = 0;

 protected:
  ~PresenceGatherEvents() = default;
};

class PresenceGather final : private NatsAsker, private TimerHandler {
 public:
  static constexpr Duration kPatience = seconds(1);
  static constexpr Duration kKept = milliseconds(500);
  static constexpr std::size_t kMaxGathers = 1'024;  // under way at a time
  static constexpr std::size_t kMaxAskers = 65'536;  // who wait, over all of them
  static constexpr std::size_t kMaxKept = 4'096;
  static constexpr std::size_t kKeptBytes = 16U * 1024U * 1024U;

  // All must outlive it, and the port is not drained after it is gone.
  PresenceGather(NatsPort& port, const NodeDirectory& directory, TimerWheel& timers,
                 ShardMetrics& metrics, std::size_t list_bytes, PresenceGatherEvents& events);
  ~PresenceGather();
  PresenceGather(const PresenceGather&) = delete;
  PresenceGather& operator=(const PresenceGather&) = delete;

  // REQUIRES: a valid channel name.
  void ask(Bytes channel, bool counts_only, const PresenceAsker& asker, Instant now);

  [[nodiscard]] std::size_t under_way() const { return gathers_.size(); }
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }

 private:
  struct Gather {
    std::string key;
    std::vector<PresenceAsker> askers;
    std::vector<std::uint64_t> tokens;  // of the questions that are out
    GatheredPresence others;
    Instant until{};
  };
  struct Question {
    Gather* gather = nullptr;
    NodeId node;
    NatsQuestionId id = 0;
  };
  struct Kept {
    std::shared_ptr<const GatheredPresence> others;  // null: there was no answer
    std::size_t bytes = 0;
    Instant until{};
  };

  void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                      Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

  // False: somebody could not be asked.
  [[nodiscard]] bool ask_all(Gather& gather, Instant now);
  [[nodiscard]] bool take(Gather& gather, const NatsMessageView& reply);
  void add(GatheredPresence& others, const NodePresence& answer) const;
  void start_waiting(Instant now);
  void end(Gather& gather, bool answered, Instant now);
  void tell(const PresenceAsker& asker, Bytes key, const GatheredPresence* others);
  void keep(std::string key, std::shared_ptr<const GatheredPresence> others, Instant now);
  void forget_oldest();
  void set_timer();

  template <typename Value>
  using ByKey = boost::unordered_flat_map<std::string, Value, BytesHash, std::equal_to<>>;

  NatsPort& port_;
  const NodeDirectory& directory_;
  TimerWheel& timers_;
  ShardMetrics& metrics_;
  const std::size_t list_bytes_;
  PresenceGatherEvents& events_;
  PresenceReader reader_;
  // A key is the channel behind a byte that says what was asked.
  ByKey<std::unique_ptr<Gather>> gathers_;
  boost::unordered_flat_map<std::uint64_t, Question> questions_;
  std::uint64_t last_token_ = 0;
  std::deque<std::string> waiting_;  // keys of those for whom nobody is asked yet
  std::size_t askers_ = 0;
  ByKey<Kept> kept_;
  std::deque<std::string> kept_order_;  // the oldest first
  std::size_t kept_bytes_ = 0;
  Timer timer_;
};

}  // namespace millrace

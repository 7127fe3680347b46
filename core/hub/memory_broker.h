// The broker in memory: shards of one process, no other node.
//
// A channel is owned by the shard that its name hashes to. The owner knows which shards have
// interest and gives every publication to each of them, so all shards see one order per channel. It
// keeps the channel's stream, too.
//
//   publish on shard A -> [A's lane] -> owner -> [owner's lanes] -> every shard with interest
//                                         +----> acknowledgement to A
//   history wanted on A -> [A's lane] -> owner -> [owner's lane] -> answer to A
//
// Order: what goes from the owner to A goes through one lane: publications, and answers between
// them. So an answer with top n stands behind publication n and before n + 1. A publication that
// finds the lane full is missing at A, and the next offset, or the next top, shows it.
//
// May see core/shard (it is the relay between shards). Owner: the shard. Limits: the lanes'; a
// publication or a question that finds a lane full is refused at its sender (error 100), a
// publication on its way to one shard is dropped and counted. The store's; and kAnswerBytes.
#pragma once

#include <vector>

#include "core/base/random.h"
#include "core/hub/broker.h"
#include "core/hub/interest_table.h"
#include "core/hub/presence_table.h"
#include "core/hub/stream_store.h"
#include "core/metrics/shard_metrics.h"
#include "core/shard/mailbox.h"
#include "core/time/timer_wheel.h"

namespace millrace {

struct MemoryBrokerLimits {
  StreamStoreLimits streams = {};
  PresenceLimits presence = {};
};

class MemoryBroker final : public Broker, private TimerHandler {
 public:
  // Of kept publications, and of members, on their way from one shard to another. Who asks for
  // more at once is told that it is not available; a page is not cut for it, so there may be one
  // page more on the way.
  static constexpr std::size_t kAnswerBytes = 16U * 1024U * 1024U;
  // Of one channel, in one answer; the counts are those of all.
  static constexpr std::size_t kMembersListed = 10'000;
  // Between two calls of the store's sweeper, so that it does not wake the shard for each channel.
  static constexpr Duration kSweepPause = milliseconds(100);

  // `client_shards` of the network's shards take part (the admin shard does not). All but `limits`
  // must outlive it.
  MemoryBroker(Mailbox& mailbox, std::size_t client_shards, BrokerEvents& events,
               ShardMetrics& metrics, TimerWheel& timers, Random& random,
               const MemoryBrokerLimits& limits = {});
  ~MemoryBroker() override;

  [[nodiscard]] bool add_interest(Bytes channel, InterestToken token) override;
  void remove_interest(Bytes channel) override;
  void publish(const Publication& publication, const StreamOptions& options, RequestToken token,
               Instant now) override;
  void read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                    RequestToken token, Instant now) override;
  void remove_history(Bytes channel, RequestToken token, Instant now) override;
  void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now) override;
  void add_member(Bytes channel, const ClientInfo& member, const PresenceOptions& options,
                  Instant now) override;
  void remove_member(Bytes channel, Bytes client, Instant now) override;
  [[nodiscard]] BrokerStatus status() const override { return {}; }

  // The messages of this broker; false if `message` is none of them.
  bool on_message(ShardId from, Message& message, Instant now);

  // Channels that this shard owns and some shard has interest in.
  [[nodiscard]] std::size_t owned() const { return owned_.size(); }
  // Of the channels that this shard owns.
  [[nodiscard]] const StreamStore& streams() const { return streams_; }
  [[nodiscard]] const PresenceTable& presence() const { return presence_; }

 private:
  [[nodiscard]] ShardId owner_of(Bytes channel) const;
  void change_interest(ShardId shard, Bytes channel, bool added);
  // What the owner does with a publication. Its position, if it has one.
  StreamPosition accept(const Publication& publication, const StreamOptions& options, Instant now);
  void spread(const Publication& publication);
  void send_delivery(ShardId shard, const Publication& publication, const OwnedBytes& info);
  bool on_publication_message(ShardId from, Message& message, Instant now);
  bool on_interest_message(ShardId from, Message& message);
  bool on_history_message(ShardId from, Message& message, Instant now);
  bool on_presence_message(ShardId from, Message& message, Instant now);

  void ask_history(ShardId owner, HistoryRequest request);
  HistoryAnswer answer(const HistoryRequest& request, Instant now);
  void answer(ShardId from, const HistoryRequest& request, Instant now);
  void take(const HistoryAnswer& answer);
  void on_timer(Timer& timer, Instant now) override;
  void plan_sweep(Instant now);
  void sweep(Instant now);

  void change_member(ShardId shard, const MemberChange& change, Instant now);
  PresenceAnswer answer(const PresenceRequest& request);
  void answer(ShardId from, const PresenceRequest& request);
  void take(const PresenceAnswer& answer);
  void announce(Instant now);
  void spread(const PresenceNews& news);
  void plan_announcement();

  Mailbox& mailbox_;
  const std::size_t client_shards_;
  BrokerEvents& events_;
  ShardMetrics& metrics_;
  TimerWheel& timers_;
  InterestTable owned_;  // which shards have interest, of the channels that this shard owns
  StreamStore streams_;
  PresenceTable presence_;
  Timer sweep_;
  Timer announcement_;
  std::vector<std::uint64_t> bytes_sent_;   // of answers, by the shard that asked
  std::vector<std::uint64_t> bytes_taken_;  // of answers, by the shard that answered
};

}  // namespace millrace

// Who listens to what on this shard, and the way of a publication to them.
//
// The hub knows names, subscriber indices and opaque payloads. It knows no socket, frame or clock;
// other shards and nodes reach it through the Broker, and it reaches clients through the
// DeliverySink, both of which it borrows.
//
// A channel with a stream is joined in two steps: interest, so that publications come by, and the
// stream's top or what was missed, which the broker answers in one order with publications
// (broker.h). Until then the subscriber is `joining` and gets nothing; from then on the position of
// the channel on this shard is its own. A hole or another epoch ends the subscriptions of all who
// were promised to be told (DeliverySink::lost()).
//
// Owner: the server of a shard; used on its thread.
//
// Invariants:
//  1. A channel is in the table exactly while it has a subscriber, and the broker is told of
//     interest exactly for those.
//  2. channel.subscribers[p] is s  <=>  lists[s] has one entry of that channel, and it is at p.
//  3. A subscriber that is joining has not been told yet that it is subscribed.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/shard_check.h"
#include "core/hub/broker.h"
#include "core/hub/channel_table.h"
#include "core/hub/delivery_sink.h"
#include "core/hub/subscription_list.h"
#include "core/mem/chunked_array.h"
#include "core/metrics/shard_metrics.h"

namespace millrace {

struct HubLimits {
  std::uint32_t channels = 1'048'576;  // on this shard
  std::uint32_t channels_per_subscriber = 128;
  std::uint32_t joins = 1'048'576;  // subscribes that wait for a stream
};

struct SubscribeOptions {
  std::uint32_t ticket = 0;
  bool format = false;  // Subscriber::format
  bool delta = false;
  bool announce = false;     // the subscriber wants joins and leaves
  bool positioned = false;   // it is told when it has missed something
  bool recoverable = false;  // the same, and it may come back to where it was
  bool server_side = false;
  bool granted = false;  // the same: not at connect, but when an application ordered it
  StreamOptions stream = {};
  PresenceOptions presence = {};
  bool recovering = false;
  // Where it stood. Nothing, while it is recovering: nowhere that this server knows.
  std::optional<StreamPosition> since = {};
  std::uint32_t recovery_limit = 300;  // publications
  bool all_or_nothing = false;         // no subscription if it can't recover
  bool held = false;                   // until Hub::release()
};

class Hub final : public BrokerEvents {
 public:
  enum class Subscribe : std::uint8_t {
    kLive,     // subscribed: publications arrive from now on
    kPending,  // sink.subscribed() tells, with the ticket; it may have done so already
    kAlready,
    kSubscriberLimit,
    kChannelLimit,
    kBusy,  // too many wait for streams; temporary
  };

  Hub(DeliverySink& sink, ShardMetrics& metrics, const HubLimits& limits);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Set once, before anything else; the broker needs the hub to be made, and the hub the broker.
  void set_broker(Broker& broker) { broker_ = &broker; }
  // For what the broker tells without a time: at the begin of a turn.
  void set_now(Instant now) { now_ = now; }

  // REQUIRES: `channel` is a valid name (channel_name.h).
  Subscribe subscribe(SubscriberId who, Bytes channel, const SubscribeOptions& options,
                      Instant now);
  // The ticket of a subscription that is pending.
  [[nodiscard]] std::optional<std::uint32_t> pending(SubscriberId who, Bytes channel);
  // True if it was subscribed (or pending).
  bool unsubscribe(SubscriberId who, Bytes channel, Instant now);
  // Ends all subscriptions of a subscriber. The index may have another tenant afterwards.
  void drop(SubscriberId who, Instant now);
  // What was held of this subscriber is held no longer.
  void release(SubscriberId who);
  [[nodiscard]] bool subscribed(SubscriberId who, Bytes channel);
  // The server made the subscription: at connect, or later.
  [[nodiscard]] bool server_side(SubscriberId who, Bytes channel);
  // The same, because an application ordered it.
  [[nodiscard]] bool granted(SubscriberId who, Bytes channel);
  // How many of its subscriptions are of that kind but not granted.
  [[nodiscard]] std::uint32_t server_side_of(SubscriberId who);
  [[nodiscard]] std::uint32_t subscriptions_of(SubscriberId who) const;

  // The sink is answered with the token, perhaps from inside these calls. REQUIRES of tokens: the
  // four highest bits are 0.
  void publish(const Publication& publication, const StreamOptions& options, RequestToken token,
               Instant now);
  void read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                    RequestToken token, Instant now);
  void remove_history(Bytes channel, RequestToken token, Instant now);
  void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now);

  // Asks the broker for the tops of the next `count` slots of the table that have somebody to tell,
  // so that a hole at the end of a stream is found too.
  void check_positions(std::uint32_t count, Instant now);
  // For who was promised no position, after an outage of a broker that keeps nothing: the channels
  // that were there when last_interest() was `until` are looked at by slot. Those who are
  // subscribed in it; the name lives as long as the channel.
  struct Gap {
    Bytes channel;
    std::vector<SubscriberId> missed;
  };
  [[nodiscard]] InterestToken last_interest() const { return last_interest_; }
  [[nodiscard]] std::optional<Gap> gap(std::uint32_t slot, InterestToken until);
  // Ends a subscription whose subscriber has missed something; it is told. False: there is none.
  bool lose(SubscriberId who, Bytes channel, Instant now);

  // Slots that check_positions() walks over.
  [[nodiscard]] std::uint32_t channel_slots() const { return channels_.slots(); }
  // The channel in one of them, or nullptr: for who lists channels, a few slots at a time.
  [[nodiscard]] const Channel* channel_in(std::uint32_t slot) { return channels_.find_slot(slot); }

  // BrokerEvents.
  void on_publication(const Publication& publication) override;
  void on_position(Bytes channel, const StreamPosition& position) override;
  void on_presence_changes(Bytes channel, std::span<const PresenceChange> changes) override;
  void on_interest_ready(Bytes channel, InterestToken token) override;
  void on_published(RequestToken token, PublishOutcome outcome,
                    const StreamPosition& position) override;
  void on_history(RequestToken token, const HistoryPage& page) override;
  void on_presence(RequestToken token, const PresencePage& page) override;

  // Walks everything and CHECKs the invariants. O(n): tests and simulation.
  void validate();

 private:
  // A subscribe that waits for its channel's stream.
  struct Join {
    SubscriberId who;
    SlotId channel;
    std::uint32_t ticket;
    bool recoverable;
    bool recovering;
    bool delta;
    std::optional<StreamPosition> since;
    std::uint32_t limit;
    bool all_or_nothing;
  };
  // Whose a token is.
  enum class Asker : std::uint8_t { kSink = 0, kJoin = 1, kCheck = 2 };

  static RequestToken token_of(Asker asker, SlotId id);
  SubscriptionList* list_of(SubscriberId who);
  SubscriptionEntry* entry_of(SubscriberId who, Bytes channel);
  Subscriber& place_of(Channel& channel, const SubscriptionEntry& entry);
  Subscribe add_entry(Channel& channel, SubscriberId who, const SubscribeOptions& options);
  void remove_entry(SubscriberId who, std::uint32_t entry, Instant now);
  void become_live(Channel& channel, SubscriptionEntry& entry, SubscriberId who, Instant now);
  void ask_for_stream(SlotId join_id, Instant now);
  void finish_join(SlotId join_id, const HistoryPage& page);
  void check_top(SlotId channel_id, const HistoryPage& page);
  void welcome(SlotId join_id, const HistoryPage& page, bool recovered);
  void refuse(SlotId join_id, SubscribeOutcome::Failure failure);
  [[nodiscard]] static bool breaks(const ChannelStream& stream, const StreamPosition& position,
                                   std::uint64_t previous);
  static void follow(Channel& channel, const StreamPosition& position);
  void spread(Channel& channel, const Publication& publication, Bytes base);
  void spread_behind_break(Channel& channel, const Publication& publication);
  void lose_all(SlotId channel_id);
  static std::uint32_t find_entry(SubscriptionList& list, const Channel& channel);
  struct Counted;
  void validate_entry(std::uint32_t who, std::uint32_t at, Counted& counted);

  static constexpr std::uint32_t kNotFound = UINT32_MAX;

  ShardCheck shard_;
  DeliverySink& sink_;
  ShardMetrics& metrics_;
  const HubLimits limits_;
  Broker* broker_ = nullptr;
  ChannelTable channels_;
  ChunkedArray<SubscriptionList> lists_;  // by subscriber
  Slab<Join> joins_;
  InterestToken last_interest_ = 0;
  std::uint32_t next_check_ = 0;  // slot of the table
  Instant now_{};
  bool delivering_ = false;
};

}  // namespace millrace

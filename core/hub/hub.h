// Who listens to what on this shard, and the way of a publication to them.
//
// The hub knows names, subscriber indices and opaque payloads. It knows no socket, frame or clock;
// other shards and nodes reach it through the Broker, and it reaches clients through the
// DeliverySink, both of which it borrows.
//
// Owner: the server of a shard; used on its thread.
//
// Invariants:
//  1. A channel is in the table exactly while it has a subscriber, and the broker is told of
//  interest
//     exactly for those.
//  2. channel.subscribers[p] is s  <=>  lists[s] has one entry of that channel, and it is at p.
//  3. A subscriber of a channel that is not live has not been told yet that it is subscribed.
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
};

class Hub final : public BrokerEvents {
 public:
  enum class Subscribe : std::uint8_t {
    kLive,     // subscribed: publications arrive from now on
    kPending,  // sink.subscribed() will tell, with the ticket
    kAlready,
    kSubscriberLimit,
    kChannelLimit,
  };

  Hub(DeliverySink& sink, ShardMetrics& metrics, const HubLimits& limits);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Set once, before anything else; the broker needs the hub to be made, and the hub the broker.
  void set_broker(Broker& broker) { broker_ = &broker; }

  // REQUIRES: `channel` is a valid name (channel_name.h).
  Subscribe subscribe(SubscriberId who, Bytes channel, std::uint32_t ticket = 0);
  // The ticket of a subscription that is pending.
  [[nodiscard]] std::optional<std::uint32_t> pending(SubscriberId who, Bytes channel);
  // True if it was subscribed (or pending).
  bool unsubscribe(SubscriberId who, Bytes channel);
  // Ends all subscriptions of a subscriber. The index may have another tenant afterwards.
  void drop(SubscriberId who);
  [[nodiscard]] bool subscribed(SubscriberId who, Bytes channel);
  [[nodiscard]] std::uint32_t subscriptions_of(SubscriberId who) const;

  // sink.published(token) follows, perhaps from inside this call.
  void publish(const Publication& publication, PublishToken token);

  // BrokerEvents.
  void on_publication(const Publication& publication) override;
  void on_interest_ready(Bytes channel, InterestToken token) override;
  void on_published(PublishToken token, PublishOutcome outcome) override;

  // Walks everything and CHECKs the invariants. O(n): tests and simulation.
  void validate();

 private:
  SubscriptionList* list_of(SubscriberId who);
  void remove_entry(SubscriberId who, std::uint32_t entry);
  static std::uint32_t find_entry(SubscriptionList& list, const Channel& channel);
  static std::uint32_t ticket_of(SubscriptionEntry& entry);

  static constexpr std::uint32_t kNotFound = UINT32_MAX;

  ShardCheck shard_;
  DeliverySink& sink_;
  ShardMetrics& metrics_;
  const HubLimits limits_;
  Broker* broker_ = nullptr;
  ChannelTable channels_;
  ChunkedArray<SubscriptionList> lists_;  // by subscriber
  InterestToken last_interest_ = 0;
  bool delivering_ = false;
};

}  // namespace millrace

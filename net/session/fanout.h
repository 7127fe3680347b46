// From a publication to its subscribers' send queues: encoded once, referenced by all.
//
// Also remembers who waits for the outcome of a publication: a slot a publication in flight, named
// by the token that the broker gives back.
//
// Owner: the server of a shard. Limit: `max_publishes` in flight; begin_publish() beyond it fails.
#pragma once

#include <optional>
#include <string>

#include "core/hub/delivery_sink.h"
#include "core/mem/slab.h"
#include "core/metrics/shard_metrics.h"
#include "net/tcp/connection_table.h"

namespace millrace {

class Fanout final : public DeliverySink {
 public:
  static constexpr std::uint32_t kMaxPublishes = 65'536;

  Fanout(ConnectionTable& table, ShardMetrics& metrics,
         std::uint32_t max_publishes = kMaxPublishes);
  ~Fanout();
  Fanout(const Fanout&) = delete;
  Fanout& operator=(const Fanout&) = delete;

  // A token for a publication of `who`, whose HubClient gets `ticket` back with the outcome.
  // Nothing at the limit.
  [[nodiscard]] std::optional<PublishToken> begin_publish(ConnId who, std::uint32_t ticket);

  // DeliverySink.
  void deliver(const Publication& publication, std::span<const SubscriberId> to) override;
  void subscribed(SubscriberId who, std::uint32_t ticket) override;
  void published(PublishToken token, PublishOutcome outcome) override;

 private:
  struct Waiter {
    ConnId who;
    std::uint32_t ticket;
  };

  ConnectionTable& table_;
  ShardMetrics& metrics_;
  Slab<Waiter> waiters_;
  std::string text_;  // reused
};

}  // namespace millrace

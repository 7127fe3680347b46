// From a publication to its subscribers' send queues: encoded once for each form in which somebody
// wants it, referenced by all.
//
// Also remembers who waits for an answer of the broker: a slot a request in flight, named by the
// token that the broker gives back.
//
// Owner: the server of a shard. Limit: `max_requests` in flight; begin() beyond it fails.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/hub/delivery_sink.h"
#include "core/hub/hub_asker.h"
#include "core/mem/slab.h"
#include "core/metrics/shard_metrics.h"
#include "net/tcp/connection_table.h"
#include "proto/encoder.h"

namespace millrace {

// The wire formats that clients may speak; the index is Subscriber::format.
using Encoders = std::array<const Encoder*, 2>;

class Fanout final : public DeliverySink {
 public:
  static constexpr std::uint32_t kMaxRequests = 65'536;

  Fanout(ConnectionTable& table, ShardMetrics& metrics, const Encoders& encoders,
         std::uint32_t max_requests = kMaxRequests);
  ~Fanout();
  Fanout(const Fanout&) = delete;
  Fanout& operator=(const Fanout&) = delete;

  // A token for a question of `who`, whose HubClient gets `ticket` back with the answer. Nothing at
  // the limit.
  [[nodiscard]] std::optional<RequestToken> begin(ConnId who, std::uint32_t ticket,
                                                  bool counts_only = false);

  // The same for who is no client of the hub. It must outlive the answer, or the fan-out.
  [[nodiscard]] std::optional<RequestToken> begin(HubAsker& asker, std::uint64_t ticket);

  // DeliverySink.
  void deliver(const Publication& publication, Bytes base, std::span<const Subscriber> to) override;
  void deliver_presence(Bytes channel, std::span<const PresenceChange> changes,
                        std::span<const Subscriber> to) override;
  void subscribed(SubscriberId who, Bytes channel, std::uint32_t ticket,
                  const SubscribeOutcome& outcome) override;
  ClientInfo member(SubscriberId who, Bytes channel) override;
  void published(RequestToken token, PublishOutcome outcome,
                 const StreamPosition& position) override;
  void history(RequestToken token, const HistoryPage& page) override;
  void presence(RequestToken token, const PresencePage& page) override;
  void lost(SubscriberId who, Bytes channel, bool server_side) override;

 private:
  struct Waiter {
    ConnId who;
    std::uint64_t ticket = 0;
    bool counts_only = false;   // of a question after presence
    HubAsker* asker = nullptr;  // instead of `who`

    // A client's tickets are the ids of its commands.
    [[nodiscard]] std::uint32_t command() const { return static_cast<std::uint32_t>(ticket); }
  };
  struct Forms;

  [[nodiscard]] bool send(const Subscriber& to, const SharedBytes& frame);
  [[nodiscard]] HubClient& client_of(SubscriberId who);
  // Who waits for an answer, which is forgotten; nullptr if it is gone.
  [[nodiscard]] HubClient* take_waiter(RequestToken token, Waiter& waiter);

  ConnectionTable& table_;
  ShardMetrics& metrics_;
  const Encoders encoders_;
  Slab<Waiter> waiters_;
  std::string text_;   // reused
  std::string patch_;  // the same
};

}  // namespace millrace

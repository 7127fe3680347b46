// The broker over NATS: core NATS, at most once.
//
//   application -> NATS subject -> NatsPort -> on_nats_message() -> hub
//   client publish -> NatsPort -> NATS; accepted when the server has processed it
//
// The payload is the application's, with no envelope; a subject is a channel's one spelling
// (subject.h). What is not is dropped and counted, so is a payload that is empty, or not JSON where
// it has to be (NatsOptions::takes_any_bytes).
//
// Owner: the shard; made, used and destroyed on its thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/hub/broker.h"
#include "core/mem/sparse_slots.h"
#include "core/metrics/shard_metrics.h"
#include "net/nats/nats_port.h"
#include "proto/payload.h"

namespace millrace {

class NatsBroker final : public Broker, private NatsListener, private NatsPoster {
 public:
  // All must outlive the broker, and the port is not drained after it is gone.
  NatsBroker(NatsPort& port, BrokerEvents& events, ShardMetrics& metrics);

  [[nodiscard]] bool add_interest(Bytes channel, InterestToken token) override;
  void remove_interest(Bytes channel) override;
  void publish(const Publication& publication, const StreamOptions& options, RequestToken token,
               Instant now) override;
  void read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                    RequestToken token, Instant now) override;
  void remove_history(Bytes channel, RequestToken token, Instant now) override;
  void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now) override;
  void add_member(Bytes, const ClientInfo&, const PresenceOptions&, Instant) override {}
  void remove_member(Bytes, Bytes, Instant) override {}
  [[nodiscard]] BrokerStatus status() const override { return port_.status(); }

 private:
  // Channels that wait for a subscription to be live.
  using Waiting = boost::unordered_flat_map<std::string, InterestToken, BytesHash, std::equal_to<>>;

  // One SUB: of a channel, or of a whole namespace.
  struct Interest {
    NatsSubscriptionId subscription;
    std::uint32_t channels = 0;  // that want it
    std::unique_ptr<Waiting> waiting;
  };

  void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) override;
  void on_nats_subscribed(NatsSubscriptionId id, Instant now) override;
  void on_nats_posted(std::uint64_t token, bool accepted, Instant now) override;

  [[nodiscard]] bool has_prefix_interest(Bytes channel) const;
  [[nodiscard]] std::string subject_for(Bytes channel) const;
  Interest& interest_for(Bytes channel);
  void settle_publish(RequestToken token, PublishOutcome outcome);
  void deliver(const NatsMessageView& message);

  using SlotsByName =
      boost::unordered_flat_map<std::string, std::uint32_t, BytesHash, std::equal_to<>>;

  NatsPort& port_;
  BrokerEvents& events_;
  ShardMetrics& metrics_;
  const boost::unordered_flat_set<std::string, BytesHash, std::equal_to<>> prefix_namespaces_;
  SlotsByName channels_;             // index into interests_, which is the port's of the SUB
  SlotsByName wildcards_;            // the same, by namespace
  SparseSlots<Interest> interests_;  // by the port's index
  JsonPayloadChecker checker_;
};

}  // namespace millrace

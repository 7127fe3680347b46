// The broker over NATS: one nats.c connection a shard, core NATS, at most once.
//
//   application -> NATS subject -> nats.c's threads -> Inbox -> drain() on the shard -> hub
//   client publish -> lane -> the link's own thread -> natsConnection_Publish + flush -> lane ->
//   hub
//
// nats.c's callbacks run on its threads and do one thing: hand the message to the shard's bounded
// inbox. Everything that may block (publish, flush, subscribe: up to the write deadline while a
// server is stuck) happens on the link's own thread (nats_link.h), never on the shard. A full lane
// or inbox refuses and counts.
//
// The payload is the application's, with no envelope; a subject is a channel's one spelling
// (subject.h). What is not is dropped and counted, so is a payload that is empty, or not JSON where
// it has to be (NatsOptions::takes_any_bytes).
//
// Owner: the shard; made, used and destroyed on its thread.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "core/hub/broker.h"
#include "core/metrics/shard_metrics.h"
#include "core/shard/reactor.h"
#include "net/nats/broker_link.h"
#include "net/nats/nats_options.h"

namespace millrace {

class NatsBroker : public Broker, public InboundSource {
 public:
  // Never fails for want of a server: the link keeps trying and status() says so. `events`,
  // `waker` and `metrics` must outlive the broker. With `wait_connected_ms` > 0 the caller is kept
  // until connected or that long, for a start that wants to know (`[broker] require`).
  static Result<std::unique_ptr<NatsBroker>> make(const NatsOptions& options, BrokerEvents& events,
                                                  Waker& waker, ShardMetrics& metrics);
  // The same over any link: a simulator brings its own.
  static std::unique_ptr<NatsBroker> over(std::unique_ptr<BrokerLink> link,
                                          const NatsOptions& options, BrokerEvents& events,
                                          ShardMetrics& metrics);
};

}  // namespace millrace

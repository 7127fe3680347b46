// What carries publications between shards and nodes, as the hub sees it.
//
// A hub owns one Broker a shard and talks to no other shard itself. Two implementations: in memory
// (core/hub/memory_broker.h: shards of one process) and NATS (net/nats/nats_broker.h: many nodes).
// Calls and events happen on the shard's thread. Nothing here blocks.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

// A message on its way to the subscribers of a channel. Views: they live for the call.
struct Publication {
  Bytes channel;
  Bytes data;  // checked already (proto/payload.h)
  Bytes user;  // who published; `client` is empty if that is not told
  Bytes client;
  std::uint64_t offset = 0;  // 0: the broker has none
};

enum class PublishOutcome : std::uint8_t {
  kAccepted,     // the broker has it
  kUnavailable,  // it may not have it: error 100, temporary
};

// Names a publish call in its outcome; the caller's choice, opaque to the broker.
using PublishToken = std::uint64_t;
// Names one add_interest() in its on_interest_ready(); the hub never uses one twice.
using InterestToken = std::uint64_t;

// The hub's side.
class BrokerEvents {
 public:
  virtual void on_publication(const Publication& publication) = 0;
  // From now on every publication accepted by the broker reaches this shard.
  virtual void on_interest_ready(Bytes channel, InterestToken token) = 0;
  virtual void on_published(PublishToken token, PublishOutcome outcome) = 0;

 protected:
  ~BrokerEvents() = default;
};

struct BrokerStatus {
  bool ready = true;
  std::string cause;  // why not, for people: "NATS nats://127.0.0.1:4222 is away since 12 s"
};

class Broker {
 public:
  virtual ~Broker() = default;

  // The first subscriber of a channel on this shard. True if publications arrive from now on;
  // false: on_interest_ready() will follow (never from inside this call). While the broker is away,
  // returns true: the channel is at most once, and what is missed is counted.
  [[nodiscard]] virtual bool add_interest(Bytes channel, InterestToken token) = 0;
  // The last subscriber is gone. An on_interest_ready() still on its way is ignored by its token.
  virtual void remove_interest(Bytes channel) = 0;
  // on_published() follows exactly once, perhaps from inside this call.
  virtual void publish(const Publication& publication, PublishToken token) = 0;

  [[nodiscard]] virtual BrokerStatus status() const = 0;
};

}  // namespace millrace

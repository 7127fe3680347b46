// What carries publications between shards and nodes, as the hub sees it.
//
// A hub owns one Broker a shard and talks to no other shard itself. Two implementations: in memory
// (core/hub/memory_broker.h: shards of one process) and NATS (net/nats/nats_broker.h: many nodes).
// Calls and events happen on the shard's thread. Nothing here blocks.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/base/bytes.h"
#include "core/hub/client_info.h"
#include "core/hub/presence.h"
#include "core/hub/stream.h"

namespace millrace {

// A message on its way to the subscribers of a channel. Views: they live for the call.
struct Publication {
  Bytes channel;
  Bytes data;  // checked already (proto/payload.h)
  ClientInfo info = {};
  StreamPosition position = {};  // in the channel's stream; offset 0: it has none
  // The offset before it in the stream. Who has less has missed something. 0: nobody knows.
  std::uint64_t previous = 0;
  // The application's key of a publish that it may repeat; empty: none. A broker that can tell a
  // repeated one by it does; the server API does so for one node already.
  Bytes idempotency = {};
  bool skips_history = false;  // it is not kept, and has no offset; its stream stays as it is
};

enum class PublishOutcome : std::uint8_t {
  kAccepted,     // the broker has it
  kUnavailable,  // it may not have it: error 100, temporary
};

// Names a publish, or a question, in its answer; the caller's choice, opaque to the broker.
using RequestToken = std::uint64_t;
// Names one add_interest() in its on_interest_ready(); the hub never uses one twice.
using InterestToken = std::uint64_t;

// The hub's side.
class BrokerEvents {
 public:
  virtual void on_publication(const Publication& publication) = 0;
  // Where a channel with a stream stands, unasked. Who is not there has missed what will not come,
  // or this is another stream.
  virtual void on_position(Bytes channel, const StreamPosition& position) = 0;
  // Some have come and gone; of this shard's channels only.
  virtual void on_presence_changes(Bytes channel, std::span<const PresenceChange> changes) = 0;
  // From now on every publication accepted by the broker reaches this shard.
  virtual void on_interest_ready(Bytes channel, InterestToken token) = 0;

  // Answers, each exactly once.
  // `position` is the publication's, if its channel has a stream.
  virtual void on_published(RequestToken token, PublishOutcome outcome,
                            const StreamPosition& position) = 0;
  virtual void on_history(RequestToken token, const HistoryPage& page) = 0;
  virtual void on_presence(RequestToken token, const PresencePage& page) = 0;

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

  // Each is answered exactly once, perhaps from inside the call; what was given may view what is
  // gone then. `options` are those of the channel's namespace.
  virtual void publish(const Publication& publication, const StreamOptions& options,
                       RequestToken token, Instant now) = 0;
  // A channel without a stream gets one: its epoch, at offset 0.
  // In memory the answer stands in one order with publications: the shard has been given every one
  // up to `top` that it had interest in, and none behind it.
  virtual void read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                            RequestToken token, Instant now) = 0;
  // What is kept is dropped; epoch and top stay. Answered by on_history() with the top.
  virtual void remove_history(Bytes channel, RequestToken token, Instant now) = 0;
  // With `counts_only` no members are listed.
  virtual void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now) = 0;

  // A subscriber on this shard has come or gone, in a channel that keeps presence. A client that is
  // in the channel already is told anew (its info may have changed).
  virtual void add_member(Bytes channel, const ClientInfo& member, const PresenceOptions& options,
                          Instant now) = 0;
  virtual void remove_member(Bytes channel, Bytes client, Instant now) = 0;

  [[nodiscard]] virtual BrokerStatus status() const = 0;
};

}  // namespace millrace

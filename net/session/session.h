// One client of the Centrifuge protocol: connect, subscriptions, publishing, pings.
//
//   message -> JsonCommandDecoder -> Command -> handle() -> hub, or a reply
//
// Commands of a connection are handled in order. A reply that waits for the broker (subscribe,
// publish) may come after replies to later commands; per channel the order is kept: an unsubscribe
// that overtakes its pending subscribe answers that first.
//
// Time: until the connect command, the stale deadline; after it, a ping every ping_interval, the
// first at a random point of its second half, and a pong within pong_timeout. A shard that is late
// itself, by more than kLateShard, gives its clients that time anew.
//
// Owned by its transport. Borrows the shard's SessionContext.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/base/random.h"
#include "core/base/uuid.h"
#include "core/hub/hub.h"
#include "core/metrics/shard_metrics.h"
#include "net/session/fanout.h"
#include "net/session/identity.h"
#include "net/session/ping_schedule.h"
#include "net/session/session_settings.h"
#include "net/transport/transport.h"
#include "proto/command_decoder.h"
#include "proto/error_code.h"
#include "proto/reply_encoder.h"

namespace millrace {

// Told when a newcomer has said what it wants.
class Arrivals {
 public:
  // Idempotent.
  virtual void on_arrived(ConnId id) = 0;

 protected:
  ~Arrivals() = default;
};

// What the sessions of one shard share.
struct SessionContext {
  Hub& hub;
  Fanout& fanout;
  JsonCommandDecoder& decoder;
  Random& random;
  ShardMetrics& metrics;
  const SessionSettings& settings;
  PingSchedule pings{settings.ping_interval, random.next()};
  // The same for everyone, made once.
  SharedBytes message_ping = make_frame(Opcode::kText, kJsonPing);
  SharedBytes frame_ping = make_frame(Opcode::kPing, {});
  Arrivals* arrivals = nullptr;  // if anybody wants to know
};

// How the server's pings travel: as empty messages, or as WebSocket ping frames for clients that
// asked for them (?cf_ws_frame_ping_pong=true).
enum class PingStyle : std::uint8_t { kMessage, kFrame };

class Session final : public TransportUser {
 public:
  static constexpr Duration kLateShard = seconds(2);

  Session(Transport& transport, SessionContext& context, PingStyle ping_style, Instant now);
  ~Session() override;

  // Who the client has proven to be; nobody in particular until then.
  void set_identity(Identity identity) { identity_ = std::move(identity); }
  [[nodiscard]] const Identity& identity() const { return identity_; }

  // TransportUser.
  void on_message(Opcode opcode, Bytes payload, Instant now) override;
  void on_pong(Instant now) override;
  void on_deadline(Instant now) override;
  void on_too_slow(Instant now) override;
  void on_drain(Instant now) override;
  void on_closing(Instant now) override;

  // HubClient. Tickets are the ids of the commands.
  void on_subscribed(std::uint32_t ticket) override;
  void on_published(std::uint32_t ticket, bool accepted) override;

 private:
  class Commands;
  enum class State : std::uint8_t {
    kNew,     // waits for the connect command
    kQuiet,   // the next ping is due at the deadline
    kPinged,  // the pong is due at the deadline
    kClosed,
  };

  [[nodiscard]] bool connected() const { return !client_.none(); }
  // False if no further command is to be handled.
  bool take(const Command& command, Instant now);

  // One each for what a command may be (session_commands.cc).
  void handle(std::uint32_t id, const PongCommand& command, Instant now);
  void handle(std::uint32_t id, const ConnectCommand& command, Instant now);
  void handle(std::uint32_t id, const SubscribeCommand& command, Instant now);
  void handle(std::uint32_t id, const UnsubscribeCommand& command, Instant now);
  void handle(std::uint32_t id, const PublishCommand& command, Instant now);
  void handle(std::uint32_t id, const UnavailableCommand& command, Instant now);
  void handle(std::uint32_t id, const SendCommand& command, Instant now);

  void reply(const std::string& message);
  void fail(std::uint32_t id, ErrorCode code);
  void disconnect(DisconnectCode code, Instant now);
  void pong_came();
  void ping(Instant now);
  void ping_at(Instant due);
  void await_pong(Instant now);
  [[nodiscard]] bool shard_is_late(Instant now) const;

  Transport& transport_;
  SessionContext& context_;
  Uuid client_;  // none until connected
  Instant last_ping_{};
  // What follows stands in its padding.
  [[no_unique_address]] Identity identity_;
  State state_ = State::kNew;
  const PingStyle ping_style_;
};

static_assert(sizeof(Session) == 64, "docs/memory.md adds up what a connection costs");

}  // namespace millrace

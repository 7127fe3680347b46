// One client of the Centrifuge protocol: connect, subscriptions, publishing, pings.
//
//   message -> JsonCommandDecoder -> Command -> handle() -> hub, or a reply
//
// Commands of a connection are handled in order. A reply that waits for the broker (subscribe,
// publish) may come after replies to later commands; per channel the order is kept: an unsubscribe
// that overtakes its pending subscribe answers that first.
//
// Time: until the connect command, the stale deadline; after it, a ping every ping_interval, the
// first at a random point of its second half, and a pong within pong_timeout.
//
// Owned by its transport. Borrows the shard's SessionContext.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "core/hub/hub.h"
#include "core/hub/hub_client.h"
#include "core/metrics/shard_metrics.h"
#include "net/session/fanout.h"
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
  // The same for everyone, made once.
  SharedBytes message_ping = make_frame(Opcode::kText, kJsonPing);
  SharedBytes frame_ping = make_frame(Opcode::kPing, {});
  Arrivals* arrivals = nullptr;  // if anybody wants to know
};

// How the server's pings travel: as empty messages, or as WebSocket ping frames for clients that
// asked for them (?cf_ws_frame_ping_pong=true).
enum class PingStyle : std::uint8_t { kMessage, kFrame };

class Session final : public TransportUser, public HubClient, private CommandSink {
 public:
  Session(Transport& transport, SessionContext& context, PingStyle ping_style, Instant now);
  ~Session() override;

  // TransportUser.
  void on_message(Opcode opcode, Bytes payload, Instant now) override;
  void on_pong(Instant now) override;
  void on_deadline(Instant now) override;
  void on_too_slow(Instant now) override;
  void on_drain(Instant now) override;
  void on_closing(Instant now) override;
  HubClient* hub_client() override { return this; }

  // HubClient.
  void on_subscribed(Bytes channel) override;
  void on_published(std::uint32_t ticket, bool accepted) override;

 private:
  enum class State : std::uint8_t {
    kNew,     // waits for the connect command
    kQuiet,   // the next ping is due at the deadline
    kPinged,  // the pong is due at the deadline
    kClosed,
  };

  // CommandSink.
  bool on_command(const Command& command) override;

  // One each for what a command may be (session_commands.cc).
  void handle(std::uint32_t id, const PongCommand& command);
  void handle(std::uint32_t id, const ConnectCommand& command);
  void handle(std::uint32_t id, const SubscribeCommand& command);
  void handle(std::uint32_t id, const UnsubscribeCommand& command);
  void handle(std::uint32_t id, const PublishCommand& command);
  void handle(std::uint32_t id, const UnavailableCommand& command);
  void handle(std::uint32_t id, const SendCommand& command);

  void reply(const std::string& message);
  void fail(std::uint32_t id, ErrorCode code);
  void disconnect(DisconnectCode code);
  void pong_came();
  void ping();

  Transport& transport_;
  SessionContext& context_;
  std::string client_;                                          // UUID; empty until connected
  std::vector<std::pair<std::string, std::uint32_t>> pending_;  // channel, command id
  Instant last_ping_{};
  Instant now_;  // of the call that is being handled
  State state_ = State::kNew;
  const PingStyle ping_style_;
};

// A random UUID (RFC 9562, version 4).
std::string make_uuid(Random& random);

}  // namespace millrace

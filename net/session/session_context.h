// What the sessions of one shard share. Made by the shard (net/server/client_shard.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/base/random.h"
#include "core/base/uuid.h"
#include "core/hub/hub.h"
#include "core/metrics/shard_metrics.h"
#include "net/auth/token_gate.h"
#include "net/session/application_notes.h"
#include "net/session/expiry_pace.h"
#include "net/session/fanout.h"
#include "net/session/pending_connects.h"
#include "net/session/pending_grants.h"
#include "net/session/ping_schedule.h"
#include "net/session/session_settings.h"
#include "net/session/subscription_notes.h"
#include "net/session/token_refusals.h"
#include "net/session/waiting_sessions.h"
#include "net/ws/frame_header.h"
#include "proto/command.h"
#include "proto/payload.h"

namespace millrace {

// Told when a newcomer has said what it wants.
class Arrivals {
 public:
  // Idempotent.
  virtual void on_arrived(ConnId id) = 0;

 protected:
  ~Arrivals() = default;
};

// By Subscriber::format, as Encoders.
using Decoders = std::array<CommandDecoder*, 2>;

struct SessionContext {
  Hub& hub;
  Fanout& fanout;
  Encoders encoders;
  Decoders decoders;
  TokenGate& tokens;
  Random& random;
  ShardMetrics& metrics;
  const SessionSettings& settings;
  SubscriptionNotes& notes;
  WaitingSessions& waiting;
  PendingConnects& connects;
  PendingGrants& grants;
  TokenRefusals& refusals;
  KeyedQuota* users = nullptr;  // null: connections of a user are not limited
  PingSchedule pings{settings.ping_interval, random.next()};
  // The same for everyone, made once.
  std::array<SharedBytes, 2> message_pings{ping_message(0), ping_message(1)};
  SharedBytes frame_ping = make_frame(Opcode::kPing, {});
  ExpiryPace expiries{};
  Arrivals* arrivals = nullptr;            // if anybody wants to know
  ApplicationDoor* application = nullptr;  // null: there is none
  ApplicationNotes application_notes{};
  Bytes command{};  // the one that is being handled, as it came
  Instant now{};    // of this turn, for answers that carry no time
  JsonPayloadChecker payloads{};
  std::string text{};        // reused by replies
  Uuid::Text client_text{};  // the same

  [[nodiscard]] const NamespaceSettings* find_namespace(Bytes channel) const {
    return settings.find_namespace(channel);
  }

 private:
  [[nodiscard]] SharedBytes ping_message(std::size_t format) const {
    std::string ping;
    encoders[format]->ping(ping);
    return make_frame(encoders[format]->binary() ? Opcode::kBinary : Opcode::kText, ping);
  }
};

}  // namespace millrace

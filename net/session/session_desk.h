// All that the sessions of a shard share, put together, and what they need of the loop: the turn in
// which they go on, the ends of subscriptions, and the check of positions.
//
// Owner: the shard.
#pragma once

#include <memory>

#include "core/shard/reactor.h"
#include "net/session/session_context.h"
#include "net/session/session_walk.h"
#include "net/tcp/connection_table.h"
#include "proto/command_decoder.h"
#include "proto/flat_decoder.h"
#include "proto/flat_encoder.h"
#include "proto/json_encoder.h"

namespace millrace {

class Session;

// The wire formats: JSON, then FlatBuffers.
struct ClientCodecs {
  JsonEncoder json_encoder;
  FlatEncoder flat_encoder;
  JsonCommandDecoder json_decoder;
  FlatCommandDecoder flat_decoder;

  [[nodiscard]] Encoders encoders() const { return {&json_encoder, &flat_encoder}; }
  [[nodiscard]] Decoders decoders() { return {&json_decoder, &flat_decoder}; }
};

// What a shard has that its sessions need. All of it must outlive the desk.
struct SessionDeskParts {
  Reactor& reactor;
  ConnectionTable& table;
  Hub& hub;
  Fanout& fanout;
  ClientCodecs& codecs;
  Random& random;
  ShardMetrics& metrics;
  const SessionSettings& settings;
};

class SessionDesk final : public ApplicationListener,
                          private SessionResumer,
                          private NoteExpiry,
                          private InboundSource,
                          private TimerHandler {
 public:
  // A position is looked at once in `position_check`, a part of them at each step.
  static constexpr std::int64_t kPositionSteps = 40;

  // It is the first of the reactor's sources, so that the others' answers have the turn's time.
  SessionDesk(const SessionDeskParts& shard, TokenGate gate, Instant now);
  ~SessionDesk();
  SessionDesk(const SessionDesk&) = delete;
  SessionDesk& operator=(const SessionDesk&) = delete;

  [[nodiscard]] SessionContext& context() { return context_; }
  [[nodiscard]] SessionWalk& walk() { return walk_; }
  // From now on, and, soon, of who is connected. `calendar` is the second that it was ordered in.
  Result<void, RevokeError> revoke(const Revocation& revocation, std::int64_t calendar,
                                   Instant now);

  // ApplicationListener.
  void on_application_answer(ConnId who, std::uint64_t ticket, ApplicationAnswer& answer,
                             Instant now) override;

 private:
  [[nodiscard]] Session* find(ConnId id);
  void resume(ConnId id, Instant now) override;
  void on_expired(SubscriberId who, Bytes channel, Instant now) override;
  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override { return waiting_.ready(); }
  void on_timer(Timer& timer, Instant now) override;

  Reactor& reactor_;
  ConnectionTable& table_;
  Hub& hub_;
  TokenGate gate_;
  SubscriptionNotes notes_;
  WaitingSessions waiting_;
  PendingConnects connects_;
  PendingGrants grants_;
  TokenRefusals refusals_;
  SessionContext context_;
  SessionWalk walk_;
  Timer position_timer_;
};

}  // namespace millrace

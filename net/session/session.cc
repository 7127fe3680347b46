#include "net/session/session.h"

#include <utility>
#include <variant>

#include "core/base/assert.h"

namespace millrace {

// The commands of one message.
class Session::Commands final : public CommandSink {
 public:
  Commands(Session& session, Instant now) : session_(session), now_(now) {}
  bool on_command(const Command& command) override { return session_.take(command, now_); }

 private:
  Session& session_;
  const Instant now_;
};

Session::Session(Transport& transport, SessionContext& context, PingStyle ping_style, Instant now)
    : transport_(transport), context_(context), ping_style_(ping_style) {
  transport_.set_user_deadline(now + context_.settings.stale_timeout);
}

Session::~Session() { CHECK(state_ == State::kClosed); }

void Session::on_message(Opcode, Bytes payload, Instant now) {
  Commands commands(*this, now);
  switch (context_.decoder.decode(payload, commands)) {
    case JsonCommandDecoder::Outcome::kDone:
    case JsonCommandDecoder::Outcome::kStopped:
      return;
    case JsonCommandDecoder::Outcome::kBad:
      disconnect(DisconnectCode::kBadRequest, now);
      return;
  }
}

bool Session::take(const Command& command, Instant now) {
  const bool first = std::holds_alternative<ConnectCommand>(command.body);
  if (!connected() && !first) {
    disconnect(DisconnectCode::kBadRequest, now);
    return false;
  }
  std::visit([&](const auto& body) { handle(command.id, body, now); }, command.body);
  return transport_.open();
}

void Session::on_pong(Instant) {
  // An unasked-for pong frame is allowed (RFC 6455 section 5.5.3), other than in our own protocol.
  if (ping_style_ == PingStyle::kFrame && state_ == State::kPinged) pong_came();
}

void Session::pong_came() {
  CHECK(state_ == State::kPinged);
  state_ = State::kQuiet;
  ping_at(last_ping_ + context_.settings.ping_interval);
}

void Session::ping_at(Instant due) {
  transport_.set_user_deadline(context_.pings.round_down(due, context_.metrics.clients));
}

void Session::on_deadline(Instant now) {
  switch (state_) {
    case State::kNew:
      disconnect(DisconnectCode::kStale, now);
      return;
    case State::kQuiet:
      ping(now);
      return;
    case State::kPinged:
      if (shard_is_late(now)) return await_pong(now);
      disconnect(DisconnectCode::kNoPong, now);
      return;
    case State::kClosed:
      return;
  }
}

void Session::ping(Instant now) {
  const bool message = ping_style_ == PingStyle::kMessage;
  transport_.send_frame(message ? context_.message_ping : context_.frame_ping);
  state_ = State::kPinged;
  await_pong(now);
}

void Session::await_pong(Instant now) {
  last_ping_ = now;
  transport_.set_user_deadline(now + context_.settings.pong_timeout);
}

// The deadline itself comes late, so a pong may well have come before it and wait to be read.
bool Session::shard_is_late(Instant now) const {
  return now - (last_ping_ + context_.settings.pong_timeout) > kLateShard;
}

void Session::on_too_slow(Instant now) { disconnect(DisconnectCode::kSlow, now); }

void Session::on_drain(Instant now) { disconnect(DisconnectCode::kShutdown, now); }

void Session::on_closing(Instant) {
  state_ = State::kClosed;
  context_.hub.drop(transport_.id().index);
  if (connected()) --context_.metrics.clients;
}

void Session::on_subscribed(std::uint32_t ticket) { reply(encode_subscribe_reply(ticket)); }

void Session::on_published(std::uint32_t ticket, bool accepted) {
  if (accepted) {
    reply(encode_publish_reply(ticket));
  } else {
    fail(ticket, ErrorCode::kInternal);
  }
}

void Session::reply(const std::string& message) { transport_.send_message(Opcode::kText, message); }

void Session::fail(std::uint32_t id, ErrorCode code) { reply(encode_error_reply(id, code)); }

void Session::disconnect(DisconnectCode code, Instant now) {
  transport_.close(static_cast<std::uint16_t>(code), disconnect_text(code), now);
}

}  // namespace millrace

#include "net/session/session.h"

#include <utility>
#include <variant>

#include "core/base/assert.h"

namespace millrace {

std::string make_uuid(Random& random) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string uuid(36, '-');
  std::uint64_t bits = 0;
  int left = 0;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) continue;
    if (left == 0) {
      bits = random.next();
      left = 16;
    }
    std::uint64_t digit = bits & 0xf;
    bits >>= 4;
    --left;
    if (i == 14) digit = 4;                   // version
    if (i == 19) digit = 8 | (digit & 0x3U);  // variant
    uuid[i] = kHex[digit];
  }
  return uuid;
}

Session::Session(Transport& transport, SessionContext& context, PingStyle ping_style, Instant now)
    : transport_(transport), context_(context), now_(now), ping_style_(ping_style) {
  transport_.set_user_deadline(now + context_.settings.stale_timeout);
}

Session::~Session() { CHECK(state_ == State::kClosed); }

void Session::on_message(Opcode, Bytes payload, Instant now) {
  now_ = now;
  switch (context_.decoder.decode(payload, *this)) {
    case JsonCommandDecoder::Outcome::kDone:
    case JsonCommandDecoder::Outcome::kStopped:
      return;
    case JsonCommandDecoder::Outcome::kBad:
      disconnect(DisconnectCode::kBadRequest);
      return;
  }
}

bool Session::on_command(const Command& command) {
  const bool first = std::holds_alternative<ConnectCommand>(command.body);
  if (client_.empty() && !first) {
    disconnect(DisconnectCode::kBadRequest);
    return false;
  }
  std::visit([&](const auto& body) { handle(command.id, body); }, command.body);
  return transport_.open();
}

void Session::on_pong(Instant now) {
  now_ = now;
  // An unasked-for pong frame is allowed (RFC 6455 section 5.5.3), other than in our own protocol.
  if (ping_style_ == PingStyle::kFrame && state_ == State::kPinged) pong_came();
}

void Session::pong_came() {
  CHECK(state_ == State::kPinged);
  state_ = State::kQuiet;
  transport_.set_user_deadline(last_ping_ + context_.settings.ping_interval);
}

void Session::on_deadline(Instant now) {
  now_ = now;
  switch (state_) {
    case State::kNew:
      disconnect(DisconnectCode::kStale);
      return;
    case State::kQuiet:
      ping();
      return;
    case State::kPinged:
      disconnect(DisconnectCode::kNoPong);
      return;
    case State::kClosed:
      return;
  }
}

void Session::ping() {
  const bool message = ping_style_ == PingStyle::kMessage;
  transport_.send_frame(message ? context_.message_ping : context_.frame_ping);
  state_ = State::kPinged;
  last_ping_ = now_;
  transport_.set_user_deadline(now_ + context_.settings.pong_timeout);
}

void Session::on_too_slow(Instant now) {
  now_ = now;
  disconnect(DisconnectCode::kSlow);
}

void Session::on_drain(Instant now) {
  now_ = now;
  disconnect(DisconnectCode::kShutdown);
}

void Session::on_closing(Instant now) {
  now_ = now;
  state_ = State::kClosed;
  context_.hub.drop(transport_.id().index);
  if (!client_.empty()) --context_.metrics.clients;
}

void Session::on_subscribed(Bytes channel) {
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i].first != channel) continue;
    const std::uint32_t id = pending_[i].second;
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
    reply(encode_subscribe_reply(id));
    return;
  }
}

void Session::on_published(std::uint32_t ticket, bool accepted) {
  if (accepted) {
    reply(encode_publish_reply(ticket));
  } else {
    fail(ticket, ErrorCode::kInternal);
  }
}

void Session::reply(const std::string& message) { transport_.send_message(Opcode::kText, message); }

void Session::fail(std::uint32_t id, ErrorCode code) { reply(encode_error_reply(id, code)); }

void Session::disconnect(DisconnectCode code) {
  transport_.close(static_cast<std::uint16_t>(code), disconnect_text(code), now_);
}

}  // namespace millrace

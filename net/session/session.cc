#include "net/session/session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/base/assert.h"

namespace millrace {

namespace {

bool carries_token(const Command& command) {
  return std::visit(
      [](const auto& body) {
        if constexpr (requires { body.token; }) {
          return !body.token.empty();
        } else {
          return false;
        }
      },
      command.body);
}

bool has_long_answer(const Command& command) {
  if (const auto* subscribe = std::get_if<SubscribeCommand>(&command.body)) {
    return subscribe->recover;
  }
  if (const auto* history = std::get_if<HistoryCommand>(&command.body)) return history->limit != 0;
  return std::holds_alternative<PresenceCommand>(command.body);
}

}  // namespace

// The commands of one message.
class Session::Commands final : public CommandSink {
 public:
  Commands(Session& session, Bytes payload, Instant now)
      : session_(session), from_here_(payload), now_(now) {}
  bool on_command(const Command& command, Bytes rest) override {
    const bool on = session_.take(command, from_here_, rest, now_);
    from_here_ = rest;
    return on;
  }

 private:
  Session& session_;
  Bytes from_here_;  // the command that comes next, and what is behind it
  const Instant now_;
};

Session::Session(Transport& transport, SessionContext& context, PingStyle ping_style,
                 WireFormat format, Instant now)
    : transport_(transport),
      context_(context),
      ping_style_(ping_style),
      format_(format),
      fair_use_(context.settings.fair_use, now) {
  await_connect(now);
}

Session::~Session() { CHECK(state_ == State::kClosed); }

void Session::on_message(Opcode, Bytes payload, Instant now) {
  if (state_ == State::kRefused) return;
  if (waiting()) return end_if_full(context_.waiting.keep(transport_.id(), payload), now);
  decode(payload, now);
}

void Session::decode(Bytes payload, Instant now) {
  context_.now = now;
  Commands commands(*this, payload, now);
  switch (context_.decoders[static_cast<std::size_t>(format_)]->decode(payload, commands)) {
    case CommandDecoder::Outcome::kDone:
    case CommandDecoder::Outcome::kStopped:
      return;
    case CommandDecoder::Outcome::kBad:
      disconnect(DisconnectCode::kBadRequest, now);
      return;
  }
}

bool Session::take(const Command& command, Bytes from_here, Bytes rest, Instant now) {
  const auto* connect = std::get_if<ConnectCommand>(&command.body);
  if (client_.none() && connect == nullptr) {
    disconnect(DisconnectCode::kBadRequest, now);
    return false;
  }
  if (has_long_answer(command) && !may_ask()) {
    waits_ = true;
    wait_with_rest(from_here, now);
    return false;
  }
  if (carries_token(command) && context_.tokens.usable() && !context_.waiting.may_verify()) {
    waits_ = true;
    wait_with_rest(from_here, now);
    context_.waiting.verify_later(transport_.id());
    return false;
  }
  if (waits_for_answer(command)) {
    waits_ = true;
    wait_with_rest(from_here, now);
    return false;
  }
  if (!allowed(command, now)) return transport_.open();
  context_.command = from_here.substr(0, from_here.size() - rest.size());
  std::visit([&](const auto& body) { handle(command.id, body, now); }, command.body);
  context_.command = {};
  if (!transport_.open() || state_ == State::kRefused) return false;
  if (state_ != State::kConnecting) return true;
  if (!rest.empty()) wait_with_rest(rest, now);
  return false;
}

// Pongs are free; all else is paid for.
bool Session::allowed(const Command& command, Instant now) {
  if (std::holds_alternative<PongCommand>(command.body)) return true;
  switch (fair_use_.on_command(context_.settings.fair_use, now)) {
    case FairUse::Verdict::kAllowed:
      return true;
    case FairUse::Verdict::kTooMany:
      if (command.id != 0) fail(command.id, ErrorCode::kTooManyRequests);
      return false;
    case FairUse::Verdict::kFlood:
      disconnect(DisconnectCode::kTooManyRequests, now);
      return false;
  }
  CHECK(false);
  return false;
}

void Session::wait_with_rest(Bytes rest, Instant now) {
  end_if_full(context_.waiting.keep_first(transport_.id(), rest), now);
}

// It says more than honest clients do before they are answered.
void Session::end_if_full(bool kept, Instant now) {
  if (!kept) disconnect(DisconnectCode::kTooManyRequests, now);
}

bool Session::may_ask() {
  if (asks_) return false;
  if (transport_.queued_bytes() <= context_.settings.short_queue()) return true;
  transport_.tell_when_sent();
  return false;
}

void Session::begin_question(std::uint32_t id) {
  CHECK(!asks_);
  asks_ = true;
  context_.waiting.note_question(transport_.id(), id);
}

void Session::end_question(std::uint32_t id) {
  if (!asks_ || !context_.waiting.end_question(transport_.id(), id)) return;
  asks_ = false;
  // From the loop and not from here: what was kept may want the hub, which is calling.
  if (waits_) context_.waiting.resume_later(transport_.id());
}

void Session::on_sent() {
  if (waits_) context_.waiting.resume_later(transport_.id());
}

void Session::resume(Instant now) {
  if (state_ == State::kClosed || !transport_.open()) return;
  waits_ = false;
  if (!settle_decided(now)) return;
  if (state_ == State::kConnecting) {
    // An order may have added a channel since.
    const auto connect = context_.connects.find(transport_.id().index);
    if (connect == context_.connects.end() || connect->second->waiting > 0) return;
    finish_connect(now);
  }
  while (!waiting() && transport_.open() && state_ != State::kRefused) {
    const auto frame = context_.waiting.take_first(transport_.id());
    if (!frame) return;
    decode(*frame, now);
  }
}

void Session::on_held(const SharedBytes& frame) {
  const auto found = context_.connects.find(transport_.id().index);
  // It could not connect, and still waits for the client's goodbye.
  if (found == context_.connects.end()) return;
  // Not from here: the hub is calling.
  if (!found->second->hold(frame)) found->second->failed = true;
}

// --- time ----------------------------------------------------------------------------------------

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
  set_deadline(context_.pings.round_down(due, context_.metrics.clients));
}

void Session::set_deadline(Instant due) {
  transport_.set_user_deadline(std::min({due, expires(), refresh_due()}));
}

Instant Session::expires() const {
  const Expiry expiry = identity_.expiry();
  return expiry.never() ? Instant::never() : expiry.instant() + context_.settings.token_grace;
}

void Session::on_deadline(Instant now) {
  if (connected() && expires() <= now) return end_expired(now);
  if (connected() && refresh_due() <= now) return ask_refresh(now);
  switch (state_) {
    case State::kNew:
      if (transport_.input_waits()) return await_connect(now);
      [[fallthrough]];
    case State::kRefused:
      // Who waits for us is not to blame, and may come back.
      disconnect(waits_ ? DisconnectCode::kInternalError : DisconnectCode::kStale, now);
      return;
    case State::kConnecting:
      disconnect(DisconnectCode::kInternalError, now);
      return;
    case State::kQuiet:
      ping(now);
      return;
    case State::kPinged:
      // A pong may be among what is kept, or not read yet.
      if (waits_ || transport_.input_waits() || shard_is_late(now)) return await_pong(now);
      disconnect(DisconnectCode::kNoPong, now);
      return;
    case State::kClosed:
      return;
  }
}

void Session::end_expired(Instant now) {
  const Instant turn = context_.expiries.ask(now);
  if (turn <= now) return disconnect(DisconnectCode::kExpired, now);
  transport_.set_user_deadline(turn);  // not set_deadline(), whose bound is over
}

void Session::await_connect(Instant now) {
  transport_.set_user_deadline(now + context_.settings.stale_timeout);
}

void Session::ping(Instant now) {
  const bool message = ping_style_ == PingStyle::kMessage;
  transport_.send_frame(message ? context_.message_pings[static_cast<std::size_t>(format_)]
                                : context_.frame_ping);
  state_ = State::kPinged;
  await_pong(now);
}

void Session::await_pong(Instant now) {
  last_ping_ = now;
  set_deadline(now + context_.settings.pong_timeout);
}

// The deadline itself comes late, so a pong may well have come before it and wait to be read.
bool Session::shard_is_late(Instant now) const {
  return now - (last_ping_ + context_.settings.pong_timeout) > kLateShard;
}

// --- the end -------------------------------------------------------------------------------------

void Session::on_too_slow(Instant now) { disconnect(DisconnectCode::kSlow, now); }

void Session::on_drain(Instant now) { disconnect(DisconnectCode::kShutdown, now); }

void Session::on_closing(Instant now) {
  const ConnId id = transport_.id();
  // While it can still say who it was.
  leave_application(now);
  context_.hub.drop(id.index, now);
  context_.notes.erase_all(id.index);
  context_.waiting.forget(id);
  context_.connects.erase(id.index);
  context_.grants.settle_all(id.index);
  seat_.give_back(context_.users);
  state_ = State::kClosed;
  if (!client_.none()) --context_.metrics.clients;
}

// --- what it says --------------------------------------------------------------------------------

const Encoder& Session::encoder() const {
  return *context_.encoders[static_cast<std::size_t>(format_)];
}

std::string& Session::message() {
  context_.text.clear();
  return context_.text;
}

void Session::send() {
  transport_.send_message(encoder().binary() ? Opcode::kBinary : Opcode::kText, context_.text);
}

void Session::fail(std::uint32_t id, ErrorCode code) {
  encoder().error(message(), id, code);
  send();
  // The one is counted as a command, the other is ours.
  if (code == ErrorCode::kTooManyRequests || code == ErrorCode::kInternal) return;
  count_error(context_.now);
}

void Session::count_error(Instant now) {
  if (!fair_use_.on_error(context_.settings.fair_use, now)) {
    disconnect(DisconnectCode::kTooManyErrors, now);
  }
}

void Session::disconnect(DisconnectCode code, Instant now) {
  close_with(static_cast<std::uint16_t>(code), disconnect_text(code), now);
}

void Session::close_with(std::uint16_t code, Bytes reason, Instant now) {
  note_leaving(code, reason);
  transport_.close(code, reason, now);
}

}  // namespace millrace

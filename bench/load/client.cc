#include "bench/load/client.h"

#include <algorithm>
#include <utility>

namespace millrace::load {
namespace {

constexpr Duration kGoodbye = seconds(30);  // for the server's half of a close
constexpr std::uint16_t kNoCloseFrame = 1006;
constexpr std::uint16_t kNoStatus = 1005;

}  // namespace

class Client::Taker final : public FrameTaker {
 public:
  explicit Taker(Client& client) : client_(client) {}
  bool on_frame(Opcode opcode, Bytes payload) override {
    return client_.take_frame(opcode, payload);
  }

 private:
  Client& client_;
};

Client::Client(Connection& connection, ClientContext& context, std::uint32_t number,
               bool subscribes, std::size_t target, Instant began, Instant now)
    : connection_(connection),
      context_(context),
      began_(began),
      number_(number),
      subscribes_(subscribes) {
  connection_.set_deadline(now + context_.join_timeout);
  connection_.send(context_.requests[target]);
}

std::uint32_t Client::answers_wanted() const {
  if (raw()) return 0;
  return 1 + (subscribes_ ? static_cast<std::uint32_t>(context_.channels.size()) : 0);
}

void Client::leave(Instant now) {
  if (state_ != State::kUp) return cut(now);
  state_ = State::kLeaving;
  by_us_ = true;
  connection_.send(context_.close);
  connection_.resume_reading();
  connection_.set_deadline(now + kGoodbye);
}

void Client::cut(Instant now) {
  by_us_ = true;
  connection_.terminate(now);
}

void Client::publish(std::uint32_t id, Bytes channel, Bytes data) {
  if (raw()) {
    connection_.send(client_frame(Opcode::kText, data));
    return;
  }
  std::string command;
  command.reserve(data.size() + channel.size() + 64);
  (flat() ? append_flat_publish : append_publish)(command, id, channel, data);
  connection_.send(client_frame(flat() ? Opcode::kBinary : Opcode::kText, command));
}

// --- bytes ---------------------------------------------------------------------------------------

std::size_t Client::on_bytes(Bytes bytes, Instant now) {
  if (state_ == State::kHandshake) {
    take_handshake(bytes, now);
    return bytes.size();
  }
  context_.now = now;
  Taker taker(*this);
  const bool right = frames_.feed(bytes, taker);
  if (!right && connection_.open()) fail("the server broke a rule of RFC 6455", now);
  return bytes.size();
}

void Client::take_handshake(Bytes bytes, Instant now) {
  std::string whole;
  if (head_ != nullptr) {
    whole = std::move(*head_).append(bytes);
    bytes = whole;
  }
  HttpHead head;
  switch (read_head(bytes, head)) {
    case HeadOutcome::kNotWhole:
      head_ = std::make_unique<std::string>(bytes);
      return;
    case HeadOutcome::kWrong:
      fail("the answer is not HTTP/1.1", now);
      return;
    case HeadOutcome::kWhole:
      break;
  }
  head_.reset();
  if (head.status == 503) {
    state_ = State::kGone;
    context_.owner.on_refused(*this, head, now);
    connection_.terminate(now);
    return;
  }
  if (head.status != 101) return fail("HTTP status " + std::to_string(head.status), now);
  if (!head.accepted) return fail("a wrong Sec-WebSocket-Accept", now);
  join(now);
  const Bytes behind = bytes.substr(head.size);
  if (!behind.empty()) static_cast<void>(on_bytes(behind, now));
}

void Client::join(Instant now) {
  state_ = State::kJoining;
  if (answers_wanted() == 0) return come_up(now);
  std::string commands;
  const bool own = context_.tokens.any();
  (flat() ? append_flat_connect : append_connect)(
      commands, own ? context_.tokens.token(number_) : context_.token);
  for (std::uint32_t which = 0; subscribes_ && which < context_.channels.size(); ++which) {
    if (!flat()) commands += '\n';
    SubscribeFrom from;
    if (context_.recover) from = context_.owner.stands_at(*this, which);
    (flat() ? append_flat_subscribe : append_subscribe)(
        commands, kFirstSubscribeId + which, context_.channels[which].name(number_), from);
  }
  connection_.send(client_frame(flat() ? Opcode::kBinary : Opcode::kText, commands));
}

void Client::come_up(Instant now) {
  state_ = State::kUp;
  connection_.set_deadline(Instant::never());
  context_.owner.on_up(*this, now);
}

// --- frames --------------------------------------------------------------------------------------

bool Client::take_frame(Opcode opcode, Bytes payload) {
  switch (opcode) {
    case Opcode::kText:
    case Opcode::kBinary:
      take_message(payload);
      break;
    case Opcode::kClose:
      take_close(payload);
      return false;
    case Opcode::kPing:
      context_.owner.on_ping();
      connection_.send(client_frame(Opcode::kPong, payload));
      break;
    case Opcode::kPong:
    case Opcode::kContinuation:  // joined by now
      break;
  }
  return connection_.open();
}

void Client::take_message(Bytes payload) {
  if (raw()) {
    context_.owner.on_publication(*this, {}, payload, context_.now);
    return;
  }
  if (flat()) return take_flat(payload);
  while (!payload.empty()) {
    const std::size_t end = std::min(payload.find('\n'), payload.size());
    if (end > 0 && !take_line(read_line(payload.substr(0, end)))) return;
    payload.remove_prefix(std::min(end + 1, payload.size()));
  }
}

void Client::take_flat(Bytes payload) {
  while (!payload.empty()) {
    const auto message = context_.flat_messages.take(payload);
    if (!message) return fail("a frame is not of the protocol", context_.now);
    if (!take_line(*message)) return;
  }
}

bool Client::take_line(const ServerLine& line) {
  switch (line.kind) {
    case ServerLine::Kind::kPing:
      context_.owner.on_ping();
      if (state_ != State::kLeaving) connection_.send(context_.pong);
      return true;
    case ServerLine::Kind::kPublication:
      if (context_.recover) context_.offset = flat() ? line.offset : read_offset(line.rest);
      context_.owner.on_publication(*this, line.channel, line.rest, context_.now);
      return true;
    case ServerLine::Kind::kUnsubscribe:
      context_.owner.on_unsubscribed();
      return true;
    case ServerLine::Kind::kReply:
      return take_reply(line);
    case ServerLine::Kind::kOther:
      return true;
  }
  return true;
}

bool Client::take_reply(const ServerLine& line) {
  if (line.id >= kFirstPublishId) {
    context_.owner.on_answer(*this, line.id, line.error, context_.now);
    return connection_.open();
  }
  if (state_ != State::kJoining) return true;
  if (line.error != 0) {
    context_.owner.on_command_error(line.error);
    const char* const what = line.id == kConnectId ? "connect" : "subscribe";
    fail(std::string(what) + " was answered with error " + std::to_string(line.error),
         context_.now);
    return false;
  }
  if (context_.recover && line.id >= kFirstSubscribeId) {
    const SubscribeAnswer answer =
        flat() ? context_.flat_messages.subscribe_answer() : read_subscribe_answer(line.rest);
    context_.owner.on_subscribed(*this, line.id - kFirstSubscribeId, answer, context_.now);
    if (!connection_.open()) return false;
  }
  if (++answers_ == answers_wanted()) come_up(context_.now);
  return true;
}

void Client::take_close(Bytes payload) {
  close_code_ = kNoStatus;
  if (payload.size() >= 2) {
    close_code_ = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                             static_cast<unsigned char>(payload[1]));
  }
  // The server closes the connection once it has our half (RFC 6455 section 7.1.1).
  if (state_ != State::kLeaving) connection_.send(context_.close);
  connection_.close_when_flushed(kGoodbye, context_.now);
}

// --- ends ----------------------------------------------------------------------------------------

void Client::fail(const std::string& cause, Instant now) {
  if (state_ == State::kHandshake || state_ == State::kJoining) {
    state_ = State::kGone;
    context_.owner.on_failed(*this, cause, now);
  }
  connection_.terminate(now);
}

void Client::on_end_of_stream(Instant now) { connection_.terminate(now); }

void Client::on_deadline(Instant now) {
  if (state_ == State::kLeaving) {
    connection_.terminate(now);
    return;
  }
  fail(state_ == State::kHandshake ? "no answer to the upgrade in time"
                                   : "no answer to connect and subscribe in time",
       now);
}

void Client::on_sent(Instant) {}

void Client::on_too_slow(Instant now) { fail("the server takes nothing", now); }

void Client::on_closing(Instant now) {
  const State state = state_;
  state_ = State::kGone;
  const std::uint16_t code = close_code_ != 0 ? close_code_ : kNoCloseFrame;
  switch (state) {
    case State::kHandshake:
    case State::kJoining:
      context_.owner.on_failed(*this, "closed with " + std::to_string(code) + " before it was up",
                               now);
      return;
    case State::kUp:
    case State::kLeaving:
      context_.owner.on_gone(*this, code, by_us_, now);
      return;
    case State::kGone:
      return;
  }
}

void Client::on_drain(Instant) {}

}  // namespace millrace::load

#include "net/transport/ws_transport.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

namespace {
constexpr std::uint16_t kFirstPrivate = 3000;  // RFC 6455 section 7.4.2
constexpr std::uint16_t kAbnormal = 1006;  // RFC 6455 section 7.1.5: closed without a close frame
}  // namespace

WsShared::WsShared(ConnectionTable& table, ShardMetrics& metrics, const WsLimits& limits,
                   std::uint32_t decoders)
    : table_(table), metrics_(metrics), limits_(limits), pool_(decoders) {}

FrameDecoder* WsShared::lend(ConnId who) {
  FrameDecoder* decoder = pool_.lend();
  if (decoder == nullptr) waiting_.push_back(who);
  return decoder;
}

void WsShared::give_back(FrameDecoder* decoder) {
  pool_.give_back(decoder);
  while (!waiting_.empty()) {
    Connection* connection = table_.find(waiting_.front());
    waiting_.pop_front();
    if (connection == nullptr || connection->closing()) continue;
    FrameDecoder* next = pool_.lend();
    CHECK(next != nullptr);
    // Only a WsTransport waits here, and nothing replaces it.
    static_cast<WsTransport*>(connection->protocol())->take_decoder(next);
    return;
  }
}

// What the decoder finds in the bytes of one call.
class WsTransport::Decoding final : public FrameHandler {
 public:
  Decoding(WsTransport& transport, Instant now) : transport_(transport), now_(now) {}

  bool on_message(Opcode opcode, Bytes payload) override;
  bool on_ping(Bytes payload) override;
  bool on_pong(Bytes payload) override;
  void on_close(std::uint16_t code, Bytes reason) override;
  void on_violation(CloseCode code, Bytes reason) override;

 private:
  WsTransport& transport_;
  const Instant now_;
};

WsTransport::WsTransport(Connection& connection, WsShared& shared)
    : connection_(connection), shared_(shared) {
  connection_.set_deadline(Instant::never());  // that of the handshake is kept
}

WsTransport::~WsTransport() { CHECK(decoder_ == nullptr); }

// --- from the connection -------------------------------------------------------------------------

std::size_t WsTransport::on_bytes(Bytes bytes, Instant now) {
  Bytes left = bytes;
  while (!left.empty() && state_ != State::kDone) {
    if (decoder_ == nullptr) decoder_ = shared_.lend(connection_.id());
    if (decoder_ == nullptr) {
      connection_.pause_reading();
      return bytes.size() - left.size();
    }
    if (!decode(left, now)) break;
  }
  return bytes.size();
}

bool WsTransport::decode(Bytes& bytes, Instant now) {
  Decoding found(*this, now);
  const FrameLimits& limits = shared_.limits().frames;
  decoding_ = true;
  bool going_on = false;
  if (shared_.awaited()) {
    going_on = decoder_->feed_to_rest(bytes, limits, found);
  } else {
    going_on = decoder_->feed(std::exchange(bytes, {}), limits, found);
  }
  decoding_ = false;
  if (!going_on || decoder_->at_rest()) {
    return_decoder();
    message_ended();
  } else {
    await_rest_of_message(now);
  }
  return going_on;
}

void WsTransport::on_end_of_stream(Instant now) { connection_.terminate(now); }

void WsTransport::on_deadline(Instant now) {
  if (state_ != State::kOpen) return connection_.terminate(now);
  if (!message_open_) return user().on_deadline(now);
  auto& message = shared_.open_messages_.at(connection_.id().index);
  if (message.deadline <= now) {
    close(static_cast<std::uint16_t>(CloseCode::kPolicyViolation), "message took too long", now);
    return;
  }
  set_user_deadline(Instant::never());
  user().on_deadline(now);
}

void WsTransport::on_sent(Instant) {
  if (connection_.queued_bytes() == 0) pongs_ = 0;
  if (std::exchange(tells_, false) && state_ == State::kOpen) user().on_sent();
  if (!pong_waits_) return;
  pong_waits_ = false;
  const auto pong = shared_.pongs_.extract(connection_.id().index);
  connection_.send(make_frame(Opcode::kPong, pong.mapped()));
}

void WsTransport::on_too_slow(Instant now) {
  if (state_ == State::kOpen) {
    user().on_too_slow(now);
  } else {
    connection_.terminate(now);
  }
}

void WsTransport::on_closing(Instant now) {
  // No close frame in either direction: the TCP connection broke, or the peer stopped reading.
  if (state_ == State::kOpen) count_disconnect(kAbnormal);
  state_ = State::kDone;
  if (decoder_ != nullptr && !decoding_ && !mutated(Mutant::kDecoderKept)) return_decoder();
  forget_what_is_kept();
  user().on_closing(now);
}

void WsTransport::on_drain(Instant now) { user().on_drain(now); }

// --- from the session ----------------------------------------------------------------------------

void WsTransport::send_message(Opcode opcode, Bytes payload) {
  if (open()) connection_.send(make_frame(opcode, payload));
}

void WsTransport::send_frame(const SharedBytes& frame) {
  if (open()) connection_.send(frame);
}

void WsTransport::close(std::uint16_t code, Bytes reason, Instant now) {
  if (state_ != State::kOpen) return;
  message_ended();
  state_ = State::kCloseSent;
  count_disconnect(code);
  connection_.send_last(make_close_frame(code, reason));
  connection_.set_deadline(now + shared_.limits().close_timeout);
}

void WsTransport::set_user_deadline(Instant deadline) {
  if (state_ != State::kOpen) return;
  Instant earliest = deadline;
  if (message_open_) {
    auto& message = shared_.open_messages_.at(connection_.id().index);
    message.user_deadline = deadline;
    earliest = std::min(deadline, message.deadline);
  }
  connection_.set_deadline(earliest);
}

void WsTransport::tell_when_sent() {
  CHECK_GT(connection_.queued_bytes(), 0U);
  tells_ = true;
}

// --- from the decoder ----------------------------------------------------------------------------

bool WsTransport::Decoding::on_message(Opcode opcode, Bytes payload) {
  ++transport_.shared_.metrics().messages_received_total;
  // After our close frame only the peer's is of interest.
  if (transport_.state_ == State::kOpen) {
    transport_.message_ended();  // what follows in these bytes is another one
    transport_.user().on_message(opcode, payload, now_);
  }
  return !transport_.connection_.closing();
}

bool WsTransport::Decoding::on_ping(Bytes payload) {
  if (transport_.pong_waits_ || transport_.pongs_ == kPongsAtOnce) {
    transport_.keep_pong(payload);
  } else if (transport_.state_ == State::kOpen) {
    ++transport_.pongs_;
    transport_.connection_.send(make_frame(Opcode::kPong, payload));
  }
  return true;
}

bool WsTransport::Decoding::on_pong(Bytes) {
  if (transport_.state_ == State::kOpen) transport_.user().on_pong(now_);
  return !transport_.connection_.closing();
}

void WsTransport::Decoding::on_close(std::uint16_t code, Bytes) {
  if (transport_.state_ == State::kOpen) {
    // A client may choose among 2,000 private codes; one label stands for them all.
    transport_.count_disconnect(code >= kFirstPrivate ? kFirstPrivate : code);
    transport_.connection_.send_last(make_close_frame(code, {}));
  }
  transport_.state_ = State::kDone;
  transport_.connection_.close_when_flushed(Duration{}, now_);
}

void WsTransport::Decoding::on_violation(CloseCode code, Bytes reason) {
  const auto number = static_cast<std::uint16_t>(code);
  if (transport_.state_ == State::kOpen) {
    transport_.count_disconnect(number);
    transport_.connection_.send_last(make_close_frame(number, reason));
  }
  transport_.state_ = State::kDone;
  transport_.connection_.close_when_flushed(kLinger, now_);
}

// --- bookkeeping ---------------------------------------------------------------------------------

void WsTransport::take_decoder(FrameDecoder* decoder) {
  CHECK(decoder_ == nullptr);
  decoder_ = decoder;
  connection_.resume_reading();
}

void WsTransport::return_decoder() { shared_.give_back(std::exchange(decoder_, nullptr)); }

void WsTransport::count_disconnect(std::uint16_t code) {
  ++shared_.metrics().disconnects_total[code];
}

void WsTransport::await_rest_of_message(Instant now) {
  if (state_ != State::kOpen || message_open_) return;
  const Instant wanted = connection_.protocol_deadline();
  shared_.open_messages_[connection_.id().index] = {now + shared_.limits().message_timeout, wanted};
  message_open_ = true;
  set_user_deadline(wanted);
}

void WsTransport::message_ended() {
  if (!message_open_) return;
  message_open_ = false;
  const auto message = shared_.open_messages_.extract(connection_.id().index);
  set_user_deadline(message.mapped().user_deadline);
}

void WsTransport::keep_pong(Bytes payload) {
  shared_.pongs_[connection_.id().index].assign(payload);
  pong_waits_ = true;
}

void WsTransport::forget_what_is_kept() {
  if (message_open_) shared_.open_messages_.erase(connection_.id().index);
  if (pong_waits_) shared_.pongs_.erase(connection_.id().index);
  message_open_ = pong_waits_ = false;
}

}  // namespace millrace

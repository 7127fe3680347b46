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

WsTransport::WsTransport(Connection& connection, WsShared& shared)
    : connection_(connection), shared_(shared) {}

WsTransport::~WsTransport() { CHECK(decoder_ == nullptr); }

// --- from the connection -------------------------------------------------------------------------

bool WsTransport::on_bytes(Bytes bytes, Instant now) {
  if (state_ == State::kDone) return true;
  if (decoder_ == nullptr) {
    decoder_ = shared_.lend(connection_.id());
    if (decoder_ == nullptr) {
      connection_.pause_reading();
      return false;
    }
  }
  now_ = now;
  decoding_ = true;
  const bool going_on = decoder_->feed(bytes, shared_.limits().frames, *this);
  decoding_ = false;
  if (!going_on || decoder_->at_rest()) {
    return_decoder();
    if (state_ == State::kOpen) own_deadline_ = Instant::never();
  } else if (own_deadline_ == Instant::never()) {
    own_deadline_ = now + shared_.limits().message_timeout;
    update_deadline();
  }
  return true;
}

void WsTransport::on_end_of_stream(Instant now) { connection_.terminate(now); }

void WsTransport::on_deadline(Instant now) {
  if (own_deadline_ <= now) {
    if (state_ == State::kOpen) {
      close(static_cast<std::uint16_t>(CloseCode::kPolicyViolation), "message took too long", now);
    } else {
      connection_.terminate(now);
      return;
    }
  }
  if (user_deadline_ <= now) {
    user_deadline_ = Instant::never();
    user_->on_deadline(now);
  }
  update_deadline();
}

void WsTransport::on_sent(Instant) {
  if (connection_.queued_bytes() == 0) pongs_ = 0;
  if (pending_pong_ == nullptr) return;
  const auto pong = std::move(pending_pong_);
  connection_.send(make_frame(Opcode::kPong, *pong));
}

void WsTransport::on_too_slow(Instant now) {
  if (state_ == State::kOpen) {
    user_->on_too_slow(now);
  } else {
    connection_.terminate(now);
  }
}

void WsTransport::on_closing(Instant now) {
  // No close frame in either direction: the TCP connection broke, or the peer stopped reading.
  if (state_ == State::kOpen) count_disconnect(kAbnormal);
  state_ = State::kDone;
  if (decoder_ != nullptr && !decoding_ && !mutated(Mutant::kDecoderKept)) return_decoder();
  user_->on_closing(now);
}

void WsTransport::on_drain(Instant now) { user_->on_drain(now); }

// --- from the session ----------------------------------------------------------------------------

void WsTransport::send_message(Opcode opcode, Bytes payload) {
  if (open()) connection_.send(make_frame(opcode, payload));
}

void WsTransport::send_frame(const SharedBytes& frame) {
  if (open()) connection_.send(frame);
}

void WsTransport::close(std::uint16_t code, Bytes reason, Instant now) {
  if (state_ != State::kOpen) return;
  state_ = State::kCloseSent;
  count_disconnect(code);
  connection_.send_last(make_close_frame(code, reason));
  own_deadline_ = now + shared_.limits().close_timeout;
  user_deadline_ = Instant::never();
  update_deadline();
}

void WsTransport::set_user_deadline(Instant deadline) {
  if (state_ != State::kOpen) return;
  user_deadline_ = deadline;
  update_deadline();
}

// --- from the decoder ----------------------------------------------------------------------------

bool WsTransport::on_message(Opcode opcode, Bytes payload) {
  ++shared_.metrics().messages_received_total;
  // After our close frame only the peer's is of interest.
  if (state_ == State::kOpen) {
    own_deadline_ = Instant::never();  // what follows in these bytes is another message
    user_->on_message(opcode, payload, now_);
  }
  return !connection_.closing();
}

bool WsTransport::on_ping(Bytes payload) {
  if (connection_.sending() || pongs_ == kPongsAtOnce) {
    if (pending_pong_ == nullptr) pending_pong_ = std::make_unique<std::string>();
    pending_pong_->assign(payload);
  } else if (state_ == State::kOpen) {
    ++pongs_;
    connection_.send(make_frame(Opcode::kPong, payload));
  }
  return true;
}

bool WsTransport::on_pong(Bytes) {
  if (state_ == State::kOpen) user_->on_pong(now_);
  return !connection_.closing();
}

void WsTransport::on_close(std::uint16_t code, Bytes) {
  if (state_ == State::kOpen) {
    // A client may choose among 2,000 private codes; one label stands for them all.
    count_disconnect(code >= kFirstPrivate ? kFirstPrivate : code);
    connection_.send_last(make_close_frame(code, {}));
  }
  state_ = State::kDone;
  connection_.close_when_flushed(Duration{}, now_);
}

void WsTransport::on_violation(CloseCode code, Bytes reason) {
  if (state_ == State::kOpen) {
    count_disconnect(static_cast<std::uint16_t>(code));
    connection_.send_last(make_close_frame(static_cast<std::uint16_t>(code), reason));
  }
  state_ = State::kDone;
  connection_.close_when_flushed(kLinger, now_);
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

void WsTransport::update_deadline() {
  connection_.set_deadline(std::min(user_deadline_, own_deadline_));
}

}  // namespace millrace

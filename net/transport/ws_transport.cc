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

FrameDecoder* WsShared::lend(ConnId who, Instant now) {
  FrameDecoder* decoder = pool_.lend();
  if (decoder != nullptr) return decoder;
  if (!awaited()) hurry(now);
  waiting_.push_back(who);
  return nullptr;
}

void WsShared::give_back(FrameDecoder* decoder) {
  pool_.give_back(decoder);
  while (!waiting_.empty()) {
    Connection* connection = table_.find(waiting_.front());
    waiting_.pop_front();
    if (connection == nullptr || !connection->open()) continue;
    FrameDecoder* next = pool_.lend();
    CHECK(next != nullptr);
    // Only a WsTransport waits here, and nothing replaces it.
    static_cast<WsTransport*>(connection->protocol())->take_decoder(next);
    return;
  }
}

void WsShared::open_message(std::uint32_t slot, Instant user_deadline, Instant now) {
  const Instant unhurried = now + limits_.message_timeout;
  const Instant deadline = awaited() ? std::min(unhurried, now + kContendedMessageTime) : unhurried;
  (awaited() ? hurried_ : unhurried_)[slot] = {deadline, user_deadline, unhurried};
}

WsShared::OpenMessage& WsShared::message_of(std::uint32_t slot) {
  const auto found = unhurried_.find(slot);
  return found != unhurried_.end() ? found->second : hurried_.at(slot);
}

WsShared::OpenMessage WsShared::close_message(std::uint32_t slot) {
  auto node = unhurried_.extract(slot);
  if (node.empty()) node = hurried_.extract(slot);
  CHECK(!node.empty());
  return node.mapped();
}

bool WsShared::spare(std::uint32_t slot, Instant now) {
  OpenMessage& message = message_of(slot);
  if (awaited() || message.unhurried <= now) return false;
  message.deadline = message.unhurried;
  unhurried_.insert(hurried_.extract(slot));
  return true;
}

// Somebody begins to wait. Those that are hurried already have no later deadline than this.
void WsShared::hurry(Instant now) {
  for (auto& [slot, message] : unhurried_) {
    message.deadline = std::min(message.deadline, now + kContendedMessageTime);
    table_.find_index(slot)->set_deadline(std::min(message.deadline, message.user_deadline));
  }
  hurried_.merge(unhurried_);
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
    if (decoder_ == nullptr) decoder_ = shared_.lend(connection_.id(), now);
    if (decoder_ == nullptr) {
      awaits_decoder_ = input_waits_ = true;
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
  if (message_open_) {
    if (shared_.message_of(connection_.id().index).deadline <= now) return message_is_late(now);
    set_deadline(Instant::never());
  }
  if (state_ != State::kOpen) return connection_.terminate(now);
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
  set_deadline(now + shared_.limits().close_timeout);
  // While decoding, decode() sees to it.
  if (decoder_ != nullptr && !decoding_) await_rest_of_message(now);
}

void WsTransport::set_user_deadline(Instant deadline) {
  if (state_ != State::kOpen) return;
  if (!awaits_decoder_) input_waits_ = false;
  set_deadline(deadline);
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
  awaits_decoder_ = false;
  connection_.resume_reading();
}

void WsTransport::return_decoder() { shared_.give_back(std::exchange(decoder_, nullptr)); }

void WsTransport::count_disconnect(std::uint16_t code) {
  ++shared_.metrics().disconnects_total[code];
}

void WsTransport::set_deadline(Instant user_deadline) {
  Instant earliest = user_deadline;
  if (message_open_) {
    auto& message = shared_.message_of(connection_.id().index);
    message.user_deadline = user_deadline;
    earliest = std::min(user_deadline, message.deadline);
  }
  connection_.set_deadline(earliest);
}

void WsTransport::await_rest_of_message(Instant now) {
  if (state_ == State::kCloseSent && shared_.awaited()) return stop_listening(now);
  if (message_open_) return;
  const Instant wanted = connection_.protocol_deadline();
  shared_.open_message(connection_.id().index, wanted, now);
  message_open_ = true;
  set_deadline(wanted);
}

void WsTransport::message_ended() {
  if (!message_open_) return;
  message_open_ = false;
  set_deadline(shared_.close_message(connection_.id().index).user_deadline);
}

void WsTransport::message_is_late(Instant now) {
  const std::uint32_t slot = connection_.id().index;
  if (shared_.spare(slot, now)) return set_deadline(shared_.message_of(slot).user_deadline);
  if (state_ != State::kOpen) return connection_.terminate(now);
  close(static_cast<std::uint16_t>(CloseCode::kPolicyViolation), "message took too long", now);
}

void WsTransport::stop_listening(Instant now) {
  state_ = State::kDone;
  message_ended();
  return_decoder();
  connection_.close_when_flushed(kLinger, now);
}

void WsTransport::keep_pong(Bytes payload) {
  shared_.pongs_[connection_.id().index].assign(payload);
  pong_waits_ = true;
}

void WsTransport::forget_what_is_kept() {
  if (message_open_) shared_.close_message(connection_.id().index);
  if (pong_waits_) shared_.pongs_.erase(connection_.id().index);
  message_open_ = pong_waits_ = false;
}

}  // namespace millrace

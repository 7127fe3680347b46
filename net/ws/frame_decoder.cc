#include "net/ws/frame_decoder.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/mem/memory_reserve.h"
#include "net/ws/client_header.h"

namespace millrace {
namespace {

constexpr std::size_t kCloseCodeSize = 2;

struct Violation {
  CloseCode code;
  Bytes reason;
};

// Unmasked payload of the current frame.
struct Chunk {
  Bytes bytes;
  Opcode opcode;
  bool fin;
  bool ends_frame;
};

}  // namespace

struct FrameDecoder::State {
 public:
  State() = default;
  ~State() { close_wslay(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  bool feed(Bytes& bytes, const FrameLimits& limits, FrameHandler& handler, bool to_rest);
  [[nodiscard]] bool at_rest() const { return header_.empty() && !message_open_; }
  void reset();

 private:
  bool open_wslay();
  void close_wslay();
  static ssize_t wslay_reads(std::uint8_t* out, std::size_t size, int flags, void* state);
  std::size_t hand_to_wslay(MutableBytes out);

  std::optional<Violation> begin_frame(const FrameLimits& limits);
  bool read_payload(FrameHandler& handler);
  void take_data(const Chunk& chunk, FrameHandler& handler);
  void take_control(const Chunk& chunk, FrameHandler& handler);
  void close(Bytes payload, FrameHandler& handler);
  void violated(const Violation& violation, FrameHandler& handler);

  wslay_frame_context* wslay_ = nullptr;  // Owned; made when first needed.
  Bytes input_;                           // Borrowed during feed(): what is still to be decoded.
  bool ended_ = false;

  // The current frame. wslay is given the header when it is whole, then the payload.
  ClientHeader header_;
  bool in_payload_ = false;
  std::size_t header_handed_ = 0;
  std::uint64_t payload_handed_ = 0;

  // A control frame may stand between the fragments of a message, so it has its own place.
  std::array<char, kMaxControlPayload> control_{};
  std::uint8_t control_size_ = 0;

  // The current message.
  bool message_open_ = false;
  Opcode message_opcode_ = Opcode::kText;
  std::uint32_t fragments_ = 0;
  std::string message_;
  Utf8Validator utf8_;
};

// False if there is no memory for it.
bool FrameDecoder::State::open_wslay() {
  if (wslay_ != nullptr) return true;
  const wslay_frame_callbacks callbacks = {
      .send_callback = nullptr, .recv_callback = &wslay_reads, .genmask_callback = nullptr};
  return try_with_reserve([&] { return wslay_frame_context_init(&wslay_, &callbacks, this) == 0; });
}

void FrameDecoder::State::close_wslay() {
  if (wslay_ != nullptr) wslay_frame_context_free(wslay_);
  wslay_ = nullptr;
}

void FrameDecoder::State::reset() {
  // A context has no way to be told that the rest of its frame will never come.
  if (in_payload_) close_wslay();
  ended_ = false;
  header_.reset();
  in_payload_ = false;
  control_size_ = 0;
  message_open_ = false;
  fragments_ = 0;
  message_.clear();
  if (message_.capacity() > kKeptCapacity) std::string().swap(message_);
  utf8_.reset();
}

bool FrameDecoder::State::feed(Bytes& bytes, const FrameLimits& limits, FrameHandler& handler,
                               bool to_rest) {
  if (ended_) return false;
  CHECK(input_.empty());
  if (!open_wslay()) {
    violated({CloseCode::kInternalError, "the server is short of memory: try again"}, handler);
    return false;
  }
  input_ = bytes;
  while (!ended_) {
    if (!in_payload_) {
      if (!header_.read(input_)) break;
      if (const auto violation = begin_frame(limits)) {
        violated(*violation, handler);
        break;
      }
    }
    if (!read_payload(handler)) break;
    if (to_rest && at_rest()) break;
  }
  bytes = std::exchange(input_, {});
  return !ended_;
}

// What a header can't tell by itself. What was received is subtracted from the limit, not added to
// what is declared, so nothing can overflow.
std::optional<Violation> FrameDecoder::State::begin_frame(const FrameLimits& limits) {
  if (!header_.refusal().empty()) return Violation{CloseCode::kProtocolError, header_.refusal()};
  if (!header_.is_control()) {
    const bool continues = header_.opcode() == Opcode::kContinuation;
    if (continues && !message_open_) {
      return Violation{CloseCode::kProtocolError, "a continuation must have a message to continue"};
    }
    if (!continues && message_open_) {
      return Violation{CloseCode::kProtocolError, "the last message must end before the next one"};
    }
    const std::size_t received = message_.size();
    if (received > limits.message_bytes || header_.length() > limits.message_bytes - received) {
      return Violation{CloseCode::kMessageTooBig, "the message is over the limit: send less"};
    }
    if (fragments_ >= limits.fragments) {
      return Violation{CloseCode::kPolicyViolation, "the message has too many fragments"};
    }
    ++fragments_;
    if (!continues) message_opcode_ = header_.opcode();
    message_open_ = true;
  }
  in_payload_ = true;
  header_handed_ = 0;
  payload_handed_ = 0;
  return std::nullopt;
}

ssize_t FrameDecoder::State::wslay_reads(std::uint8_t* out, std::size_t size, int /*flags*/,
                                         void* state) {
  const MutableBytes room(reinterpret_cast<char*>(out), size);
  return static_cast<ssize_t>(static_cast<State*>(state)->hand_to_wslay(room));
}

// The rest of the header, then what there is of this frame's payload and never a byte of the next
// frame: between frames wslay holds nothing, so its context can go back to the pool.
std::size_t FrameDecoder::State::hand_to_wslay(MutableBytes out) {
  const Bytes header = header_.raw().substr(header_handed_, out.size());
  std::ranges::copy(header, out.begin());
  header_handed_ += header.size();
  const std::uint64_t missing = header_.length() - payload_handed_;
  const std::uint64_t room = out.size() - header.size();
  const Bytes payload = input_.substr(0, std::min(missing, room));
  std::ranges::copy(payload, out.begin() + static_cast<std::ptrdiff_t>(header.size()));
  input_.remove_prefix(payload.size());
  payload_handed_ += payload.size();
  return header.size() + payload.size();
}

bool FrameDecoder::State::read_payload(FrameHandler& handler) {
  wslay_frame_iocb piece{};
  const ssize_t received = wslay_frame_recv(wslay_, &piece);
  if (received == WSLAY_ERR_WANT_READ) {
    CHECK(input_.empty());
    return false;
  }
  // Any other error would mean that wslay and we read the same header differently.
  CHECK_GE(received, 0);
  CHECK_EQ(piece.opcode, static_cast<std::uint8_t>(header_.opcode()));
  CHECK_EQ(piece.fin != 0, header_.fin());
  CHECK_EQ(piece.payload_length, header_.length());
  CHECK(piece.mask == 1 && piece.rsv == WSLAY_RSV_NONE);
  // wslay hands out all that it was handed, so its count of the frame is ours.
  const Chunk chunk = {.bytes = Bytes(reinterpret_cast<const char*>(piece.data), piece.data_length),
                       .opcode = header_.opcode(),
                       .fin = header_.fin(),
                       .ends_frame = payload_handed_ == header_.length()};
  const bool is_control = header_.is_control();
  // Before the handler is called, which may ask whether we are at rest.
  if (chunk.ends_frame) {
    in_payload_ = false;
    header_.reset();
  }
  if (is_control) {
    take_control(chunk, handler);
  } else {
    take_data(chunk, handler);
  }
  return true;
}

void FrameDecoder::State::take_data(const Chunk& chunk, FrameHandler& handler) {
  const bool is_text = message_opcode_ == Opcode::kText;
  const bool message_ends = chunk.ends_frame && chunk.fin;
  if (is_text && (!utf8_.feed(chunk.bytes) || (message_ends && !utf8_.complete()))) {
    violated({CloseCode::kInvalidPayload, "a text message must be UTF-8"}, handler);
    return;
  }
  // What came in one piece is shown where it lies.
  const bool in_one_piece = message_ends && message_.empty();
  if (!in_one_piece) message_.append(chunk.bytes);
  if (!message_ends) return;
  message_open_ = false;
  fragments_ = 0;
  utf8_.reset();
  ended_ = !handler.on_message(message_opcode_, in_one_piece ? chunk.bytes : Bytes(message_));
  message_.clear();
}

void FrameDecoder::State::take_control(const Chunk& chunk, FrameHandler& handler) {
  CHECK_LE(chunk.bytes.size(), control_.size() - control_size_);
  std::ranges::copy(chunk.bytes, control_.begin() + control_size_);
  control_size_ = static_cast<std::uint8_t>(control_size_ + chunk.bytes.size());
  if (!chunk.ends_frame) return;
  const Bytes payload(control_.data(), std::exchange(control_size_, std::uint8_t{0}));
  if (chunk.opcode == Opcode::kClose) {
    close(payload, handler);
  } else if (chunk.opcode == Opcode::kPing) {
    ended_ = !handler.on_ping(payload);
  } else {
    CHECK_EQ(chunk.opcode, Opcode::kPong);
    ended_ = !handler.on_pong(payload);
  }
}

void FrameDecoder::State::close(Bytes payload, FrameHandler& handler) {
  ended_ = true;
  if (payload.empty()) {
    handler.on_close(static_cast<std::uint16_t>(CloseCode::kNoStatus), {});
    return;
  }
  CHECK_GE(payload.size(), kCloseCodeSize);
  const auto code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                               static_cast<std::uint8_t>(payload[1]));
  const Bytes reason = payload.substr(kCloseCodeSize);
  if (!close_code_valid_on_wire(code)) {
    violated({CloseCode::kProtocolError, "the close code is not one that may be sent"}, handler);
  } else if (!utf8_valid(reason)) {
    violated({CloseCode::kInvalidPayload, "the reason of a close must be UTF-8"}, handler);
  } else {
    handler.on_close(code, reason);
  }
}

void FrameDecoder::State::violated(const Violation& violation, FrameHandler& handler) {
  ended_ = true;
  handler.on_violation(violation.code, violation.reason);
}

FrameDecoder::FrameDecoder() : state_(std::make_unique<State>()) {}

FrameDecoder::~FrameDecoder() = default;

bool FrameDecoder::feed(Bytes bytes, const FrameLimits& limits, FrameHandler& handler) {
  return state_->feed(bytes, limits, handler, false);
}

bool FrameDecoder::feed_to_rest(Bytes& bytes, const FrameLimits& limits, FrameHandler& handler) {
  return state_->feed(bytes, limits, handler, true);
}

bool FrameDecoder::at_rest() const { return state_->at_rest(); }

void FrameDecoder::reset() { state_->reset(); }

DecoderPool::~DecoderPool() { CHECK_EQ(lent_, 0U); }

FrameDecoder* DecoderPool::lend() {
  if (lent_ == limit_) return nullptr;
  ++lent_;
  if (free_.empty()) return std::make_unique<FrameDecoder>().release();
  FrameDecoder* const decoder = free_.back().release();
  free_.pop_back();
  return decoder;
}

void DecoderPool::give_back(FrameDecoder* decoder) {
  CHECK(decoder != nullptr);
  CHECK_GT(lent_, 0U);
  --lent_;
  std::unique_ptr<FrameDecoder> owned(decoder);
  if (free_.size() == kMaxKept) return;
  owned->reset();
  free_.push_back(std::move(owned));
}

}  // namespace millrace

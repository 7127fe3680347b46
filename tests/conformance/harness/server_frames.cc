#include "tests/conformance/harness/server_frames.h"

#include <utility>

#include "tests/conformance/plain_utf8.h"

namespace millrace::conformance {
namespace {

constexpr std::uint8_t kContinuation = 0x0;
constexpr std::uint8_t kTextFrame = 0x1;
constexpr std::uint8_t kBinaryFrame = 0x2;
constexpr std::uint8_t kClose = 0x8;
constexpr std::uint8_t kPing = 0x9;
constexpr std::uint8_t kPong = 0xa;

std::uint64_t big_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

// RFC 6455 section 7.4, and the three that IANA has added since. 1010 is a client's, but a server
// that answers in kind repeats it.
bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

bool ServerFrames::fail(std::string fault) {
  fault_ = std::move(fault);
  return false;
}

void ServerFrames::feed(Bytes bytes) {
  if (!fault_.empty()) return;
  buffer_.append(bytes);
  while (fault_.empty() && read_frame()) {
  }
  if (at_ > buffer_.size() / 2) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
}

// False if there is no whole frame, or a wrong one.
bool ServerFrames::read_frame() {
  const Bytes rest = Bytes(buffer_).substr(at_);
  if (rest.empty()) return false;
  if (close_code_) return fail("bytes behind the close frame");
  if (rest.size() < 2) return false;
  const auto first = static_cast<std::uint8_t>(rest[0]);
  const auto second = static_cast<std::uint8_t>(rest[1]);
  const auto opcode = static_cast<std::uint8_t>(first & 0x0f);
  const bool fin = (first & 0x80) != 0;
  const bool is_control = opcode >= kClose;
  if ((first & 0x70) != 0) return fail("a reserved bit is set");
  if ((second & 0x80) != 0) return fail("a server's frame is masked");
  if ((opcode > kBinaryFrame && !is_control) || opcode > kPong) {
    return fail("opcode " + std::to_string(opcode));
  }
  const std::size_t extended = (second & 0x7f) == 126 ? 2 : (second & 0x7f) == 127 ? 8 : 0;
  if (is_control && extended > 0) return fail("a control frame of more than 125 B");
  if (is_control && !fin) return fail("a control frame in fragments");
  if (rest.size() < 2 + extended) return false;
  const std::uint64_t length = extended == 0 ? second & 0x7f : big_endian(rest.substr(2, extended));
  if (extended > 0 && length < (extended == 2 ? 126U : 65'536U)) {
    return fail("a length that is not in its shortest form");
  }
  if (length >> 63 != 0) return fail("a length with its highest bit set");
  if (rest.size() - 2 - extended < length) return false;
  const Bytes payload = rest.substr(2 + extended, length);
  at_ += 2 + extended + length;
  if (is_control) {
    take_control(opcode, payload);
  } else {
    take_data(opcode, fin, payload);
  }
  return true;
}

void ServerFrames::take_data(std::uint8_t opcode, bool fin, Bytes payload) {
  if (opcode == kContinuation && !open_) {
    fail("a continuation with nothing to continue");
    return;
  }
  if (opcode != kContinuation) {
    if (open_) {
      fail("a message inside another");
      return;
    }
    open_ = Event{opcode == kTextFrame ? Event::Kind::kText : Event::Kind::kBinary, {}};
  }
  open_->payload.append(payload);
  if (!fin) return;
  if (open_->kind == Event::Kind::kText && !is_utf8(open_->payload)) {
    fail("a text that is no UTF-8");
    return;
  }
  events_.push_back(*std::exchange(open_, std::nullopt));
}

void ServerFrames::take_control(std::uint8_t opcode, Bytes payload) {
  if (opcode == kClose) {
    take_close(payload);
  } else {
    const auto kind = opcode == kPing ? Event::Kind::kPing : Event::Kind::kPong;
    events_.push_back({kind, std::string(payload)});
  }
}

void ServerFrames::take_close(Bytes payload) {
  close_code_ = 1005;
  if (payload.empty()) return;
  if (payload.size() == 1) {
    fail("a close frame of one byte");
    return;
  }
  close_code_ = static_cast<std::uint16_t>(big_endian(payload.substr(0, 2)));
  if (!may_be_sent(*close_code_)) fail("close code " + std::to_string(*close_code_));
  if (!is_utf8(payload.substr(2))) fail("a reason of a close that is no UTF-8");
}

}  // namespace millrace::conformance

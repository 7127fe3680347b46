#include "bench/load/server_frames.h"

#include <utility>

namespace millrace::load {
namespace {

constexpr std::uint8_t kFinBit = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kControlBit = 0x08;
constexpr std::uint8_t kMaskBit = 0x80;

std::uint64_t big_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

bool ServerFrames::feed(Bytes bytes, FrameTaker& taker) {
  // Moved out, because a taker may end the connection and with it this object's owner's wish to go
  // on; the bytes it looks at must live until it returns.
  std::string joined;
  if (rest_ != nullptr && !rest_->bytes.empty()) {
    joined = std::move(rest_->bytes);
    rest_->bytes.clear();
    joined.append(bytes);
    bytes = joined;
  }
  Step step = Step::kMore;
  while (step == Step::kMore && !bytes.empty()) step = take_one(bytes, taker);
  if (step == Step::kWrong) return false;
  if (step == Step::kStopped) return true;
  if (!bytes.empty()) {
    if (rest_ == nullptr) rest_ = std::make_unique<Rest>();
    if (bytes.size() == joined.size()) {
      rest_->bytes = std::move(joined);  // a large message comes in many pieces
    } else {
      rest_->bytes.assign(bytes);
    }
  } else if (rest_ != nullptr && !rest_->fragmented) {
    rest_.reset();
  }
  return true;
}

ServerFrames::Step ServerFrames::take_one(Bytes& bytes, FrameTaker& taker) {
  if (bytes.size() < 2) return Step::kNotWhole;
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  if ((first & kReservedBits) != 0 || (second & kMaskBit) != 0) return Step::kWrong;
  std::size_t header = 2;
  std::uint64_t length = second;
  if (second >= 126) {
    const std::size_t wide = second == 126 ? 2 : 8;
    if (bytes.size() < header + wide) return Step::kNotWhole;
    length = big_endian(bytes.substr(header, wide));
    header += wide;
  }
  if (length > kMaxMessage) return Step::kWrong;
  if (bytes.size() < header + length) return Step::kNotWhole;
  const Bytes payload = bytes.substr(header, length);
  bytes.remove_prefix(header + length);
  return take_frame((first & kFinBit) != 0, static_cast<Opcode>(first & 0x0f), payload, taker);
}

ServerFrames::Step ServerFrames::take_frame(bool fin, Opcode opcode, Bytes payload,
                                            FrameTaker& taker) {
  const auto go_on = [](bool wanted) { return wanted ? Step::kMore : Step::kStopped; };
  if ((static_cast<std::uint8_t>(opcode) & kControlBit) != 0) {
    if (!fin || payload.size() > kMaxControlPayload) return Step::kWrong;
    return go_on(taker.on_frame(opcode, payload));
  }
  const bool fragmented = rest_ != nullptr && rest_->fragmented;
  if (fragmented != (opcode == Opcode::kContinuation)) return Step::kWrong;
  if (fin && !fragmented) return go_on(taker.on_frame(opcode, payload));
  if (rest_ == nullptr) rest_ = std::make_unique<Rest>();
  if (!fragmented) rest_->opcode = opcode;
  if (rest_->message.size() + payload.size() > kMaxMessage) return Step::kWrong;
  rest_->message.append(payload);
  rest_->fragmented = !fin;
  if (!fin) return Step::kMore;
  const std::string message = std::exchange(rest_->message, {});
  return go_on(taker.on_frame(rest_->opcode, message));
}

}  // namespace millrace::load

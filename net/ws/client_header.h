// The header of a client's frame, collected from a byte stream and checked by itself: reserved
// bits, opcode, mask, control frames (final, at most 125 B) and a length in its shortest form (RFC
// 6455 sections 5.2 and 5.5). What depends on frames before it is FrameDecoder's to check.
//
// Owner: a FrameDecoder. Bounded by 14 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "net/ws/frame_header.h"

namespace millrace {

inline constexpr std::size_t kMaxClientHeader = 14;

class ClientHeader {
 public:
  // Takes the header's bytes from the front of `input`, and no byte of payload. False while there
  // are too few; true when it is whole or refused, and from then on until reset().
  bool read(Bytes& input);
  void reset() { *this = ClientHeader(); }

  // True if no byte was taken.
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // Which rule was broken; empty if none. All of them are protocol errors, 1002.
  [[nodiscard]] Bytes refusal() const { return refusal_; }

  // REQUIRES for all below: read() returned true and there is no refusal().
  [[nodiscard]] Opcode opcode() const { return opcode_; }
  [[nodiscard]] bool is_control() const;
  [[nodiscard]] bool fin() const { return fin_; }
  [[nodiscard]] std::uint64_t length() const { return length_; }
  // As it was received. Lives as long as this object is not changed.
  [[nodiscard]] Bytes raw() const { return {raw_.data(), size_}; }

 private:
  Bytes read_start();
  Bytes read_length();

  std::array<char, kMaxClientHeader> raw_{};
  std::uint8_t size_ = 0;
  std::uint8_t needed_ = 2;  // the first two bytes say how many there are
  Opcode opcode_ = Opcode::kContinuation;
  bool fin_ = false;
  std::uint64_t length_ = 0;
  Bytes refusal_;
};

}  // namespace millrace

#include "net/ws/client_header.h"

#include <algorithm>

#include "core/base/assert.h"

namespace millrace {
namespace {

constexpr std::size_t kStartSize = 2;
constexpr std::size_t kMaskingKeySize = 4;

constexpr std::uint8_t kFinBit = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kOpcodeBits = 0x0f;
constexpr std::uint8_t kControlBit = 0x08;
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kLengthBits = 0x7f;
constexpr std::uint8_t kIn16Bits = 126;
constexpr std::uint8_t kIn64Bits = 127;

static_assert(kStartSize + sizeof(std::uint64_t) + kMaskingKeySize == kMaxClientHeader);

bool is_known(Opcode opcode) {
  switch (opcode) {
    case Opcode::kContinuation:
    case Opcode::kText:
    case Opcode::kBinary:
    case Opcode::kClose:
    case Opcode::kPing:
    case Opcode::kPong:
      return true;
  }
  return false;
}

}  // namespace

bool ClientHeader::is_control() const {
  return (static_cast<std::uint8_t>(opcode_) & kControlBit) != 0;
}

bool ClientHeader::read(Bytes& input) {
  while (refusal_.empty() && size_ < needed_) {
    const std::size_t missing = needed_ - size_;
    const Bytes taken = input.substr(0, missing);
    std::ranges::copy(taken, raw_.begin() + size_);
    input.remove_prefix(taken.size());
    size_ = static_cast<std::uint8_t>(size_ + taken.size());
    if (size_ < needed_) return false;
    refusal_ = size_ == kStartSize ? read_start() : read_length();
  }
  return true;
}

Bytes ClientHeader::read_start() {
  const auto first = static_cast<std::uint8_t>(raw_[0]);
  const auto second = static_cast<std::uint8_t>(raw_[1]);
  opcode_ = static_cast<Opcode>(first & kOpcodeBits);
  fin_ = (first & kFinBit) != 0;
  length_ = second & kLengthBits;
  if ((first & kReservedBits) != 0) return "reserved bits must be 0: no extension was agreed";
  if (!is_known(opcode_)) return "the opcode must not be a reserved one";
  if ((second & kMaskBit) == 0) return "frames from a client must be masked";
  if (is_control()) {
    if (!fin_) return "control frames must be final";
    if (length_ > kMaxControlPayload) return "control frames must hold at most 125 bytes";
    if (opcode_ == Opcode::kClose && length_ == 1) return "a close code must have two bytes";
  }
  std::size_t more = kMaskingKeySize;
  if (length_ == kIn16Bits) more += sizeof(std::uint16_t);
  if (length_ == kIn64Bits) more += sizeof(std::uint64_t);
  needed_ = static_cast<std::uint8_t>(kStartSize + more);
  return {};
}

Bytes ClientHeader::read_length() {
  if (length_ < kIn16Bits) return {};
  const bool in_16_bits = length_ == kIn16Bits;
  const std::size_t end = size_ - kMaskingKeySize;
  CHECK_EQ(end, kStartSize + (in_16_bits ? sizeof(std::uint16_t) : sizeof(std::uint64_t)));
  length_ = 0;
  for (std::size_t i = kStartSize; i < end; ++i) {
    length_ = length_ << 8 | static_cast<std::uint8_t>(raw_[i]);
  }
  if (length_ > std::uint64_t{INT64_MAX}) return "the highest bit of a length must be 0";
  const std::uint64_t least = in_16_bits ? kIn16Bits : std::uint64_t{UINT16_MAX} + 1;
  if (length_ < least) return "a length must take its shortest form";
  return {};
}

}  // namespace millrace

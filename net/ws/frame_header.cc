#include "net/ws/frame_header.h"

#include <algorithm>

#include "core/base/assert.h"
#include "net/ws/close_code.h"

namespace millrace {

namespace {

constexpr std::uint8_t kFinBit = 0x80;
constexpr std::uint8_t kControlBit = 0x8;
constexpr std::uint64_t kMax7Bits = 125;
constexpr std::uint64_t kMax16Bits = 0xffff;
constexpr std::uint64_t kMax64Bits = INT64_MAX;  // the highest bit must be 0
constexpr std::size_t kCloseCodeSize = 2;
constexpr std::size_t kMaxCloseReason = kMaxControlPayload - kCloseCodeSize;

bool is_control(Opcode opcode) { return (static_cast<std::uint8_t>(opcode) & kControlBit) != 0; }

void store_big_endian(MutableBytes out, std::uint64_t value) {
  for (std::size_t i = out.size(); i > 0; --i) {
    out[i - 1] = static_cast<char>(value & 0xff);
    value >>= 8;
  }
}

// Half a character would make the peer fail the close with 1007, and the code would be lost.
Bytes cut_at_character(Bytes text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::size_t server_header_size(std::uint64_t payload_length) {
  if (payload_length <= kMax7Bits) return 2;
  return payload_length <= kMax16Bits ? 4 : kMaxServerHeader;
}

std::size_t write_server_header(MutableBytes out, Opcode opcode, std::uint64_t payload_length) {
  const std::size_t size = server_header_size(payload_length);
  CHECK_GE(out.size(), size);
  CHECK_LE(payload_length, kMax64Bits);
  CHECK(!is_control(opcode) || payload_length <= kMaxControlPayload);
  out[0] = static_cast<char>(kFinBit | static_cast<std::uint8_t>(opcode));
  if (size == 2) {
    out[1] = static_cast<char>(payload_length);
  } else {
    out[1] = size == 4 ? char{126} : char{127};
    store_big_endian(out.subspan(2, size - 2), payload_length);
  }
  return size;
}

SharedBytes make_frame(Opcode opcode, Bytes payload) {
  const std::size_t header_size = server_header_size(payload.size());
  return SharedBytes::make(header_size + payload.size(), [&](MutableBytes out) {
    write_server_header(out, opcode, payload.size());
    std::ranges::copy(payload, out.subspan(header_size).begin());
  });
}

SharedBytes make_close_frame(std::uint16_t code, Bytes reason) {
  if (code == static_cast<std::uint16_t>(CloseCode::kNoStatus)) {
    return make_frame(Opcode::kClose, {});
  }
  CHECK(close_code_valid_on_wire(code));
  const Bytes kept = cut_at_character(reason, kMaxCloseReason);
  const std::size_t payload_size = kCloseCodeSize + kept.size();
  const std::size_t header_size = server_header_size(payload_size);
  return SharedBytes::make(header_size + payload_size, [&](MutableBytes out) {
    write_server_header(out, Opcode::kClose, payload_size);
    store_big_endian(out.subspan(header_size, kCloseCodeSize), code);
    std::ranges::copy(kept, out.subspan(header_size + kCloseCodeSize).begin());
  });
}

}  // namespace millrace

// Server frames: a header of 2, 4 or 10 bytes in front of an unmasked payload (RFC 6455
// section 5.2).
//
// We encode frames ourselves, because wslay's send side copies per connection, and a server frame
// is the same for everyone: it is made once and shared.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/mem/shared_bytes.h"

namespace millrace {

enum class Opcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};

inline constexpr std::size_t kMaxServerHeader = 10;
inline constexpr std::size_t kMaxControlPayload = 125;

// Bytes that the header of a payload of this length takes: 2, 4 or 10.
std::size_t server_header_size(std::uint64_t payload_length);
// Writes the header of a final frame; returns its size. REQUIRES: out.size() >=
// server_header_size().
std::size_t write_server_header(MutableBytes out, Opcode opcode, std::uint64_t payload_length);

// A whole frame. REQUIRES for control frames: payload of at most 125 bytes.
SharedBytes make_frame(Opcode opcode, Bytes payload);
// A close frame; `reason` is cut to 123 bytes at a UTF-8 boundary. kNoStatus makes an empty frame.
// REQUIRES: close_code_valid_on_wire(code) or kNoStatus; reason is UTF-8.
SharedBytes make_close_frame(std::uint16_t code, Bytes reason);

}  // namespace millrace

// Frames as a WebSocket client sends them (RFC 6455 section 5.2): masked, and wrong on purpose
// where a test wants them wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "net/ws/frame_header.h"

namespace millrace {

inline constexpr std::uint32_t kTestMask = 0x37fa213d;

enum class LengthForm : std::uint8_t { kMinimal, k7Bits, k16Bits, k64Bits };

inline constexpr std::uint8_t kFinBit = 0x80;
inline constexpr std::uint8_t kRsv1Bit = 0x40;
inline constexpr std::uint8_t kRsv2Bit = 0x20;
inline constexpr std::uint8_t kRsv3Bit = 0x10;

// A header of any first byte, declared length and form of length; no mask means an unmasked frame.
// k7Bits keeps the low 7 bits of `length`, k16Bits the low 16.
inline std::string client_header(std::uint8_t first_byte, std::uint64_t length,
                                 LengthForm form = LengthForm::kMinimal,
                                 std::optional<std::uint32_t> mask = kTestMask) {
  if (form == LengthForm::kMinimal) {
    form = length < 126 ? LengthForm::k7Bits
                        : (length < 65536 ? LengthForm::k16Bits : LengthForm::k64Bits);
  }
  std::string header(1, static_cast<char>(first_byte));
  const auto put_big_endian = [&header](std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
      header.push_back(static_cast<char>(value >> shift & 0xff));
    }
  };
  const std::uint64_t mask_bit = mask.has_value() ? 0x80 : 0;
  switch (form) {
    case LengthForm::kMinimal:
    case LengthForm::k7Bits:
      put_big_endian(mask_bit | (length & 0x7f), 1);
      break;
    case LengthForm::k16Bits:
      put_big_endian(mask_bit | 126, 1);
      put_big_endian(length, 2);
      break;
    case LengthForm::k64Bits:
      put_big_endian(mask_bit | 127, 1);
      put_big_endian(length, 8);
      break;
  }
  if (mask.has_value()) put_big_endian(*mask, 4);
  return header;
}

// The payload as it looks on the wire.
inline std::string mask_payload(Bytes payload, std::uint32_t mask = kTestMask) {
  std::string masked(payload);
  for (std::size_t i = 0; i < masked.size(); ++i) {
    masked[i] = static_cast<char>(masked[i] ^ static_cast<char>(mask >> (24 - i % 4 * 8) & 0xff));
  }
  return masked;
}

inline std::string client_frame(Opcode opcode, Bytes payload, bool fin = true,
                                std::uint32_t mask = kTestMask) {
  const auto first_byte =
      static_cast<std::uint8_t>((fin ? kFinBit : 0) | static_cast<std::uint8_t>(opcode));
  return client_header(first_byte, payload.size(), LengthForm::kMinimal, mask) +
         mask_payload(payload, mask);
}

// A close frame; kNoStatus (1005) makes an empty one.
inline std::string client_close_frame(std::uint16_t code, Bytes reason = {}) {
  if (code == 1005) return client_frame(Opcode::kClose, {});
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code & 0xff));
  payload.append(reason);
  return client_frame(Opcode::kClose, payload);
}

}  // namespace millrace

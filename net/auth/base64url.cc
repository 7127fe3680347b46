#include "net/auth/base64url.h"

#include <array>
#include <cstdint>

namespace millrace {
namespace {

constexpr Bytes kUrlLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr Bytes kPlainLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kForeign = 0xff;

using Values = std::array<std::uint8_t, 256>;

constexpr Values values_of(Bytes letters) {
  Values values{};
  for (std::uint8_t& value : values) value = kForeign;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    values[static_cast<unsigned char>(letters[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr Values kUrlValues = values_of(kUrlLetters);
constexpr Values kPlainValues = values_of(kPlainLetters);

bool decode(Bytes text, const Values& values, std::string& out) {
  out.clear();
  if (text.size() % 4 == 1) return false;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == kForeign) return false;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return (bits & ((1U << count) - 1)) == 0;
}

std::string encode(Bytes bytes, Bytes letters) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) {
      text.push_back(letters[bits >> (count - 6) & 0x3f]);
    }
  }
  if (count > 0) text.push_back(letters[bits << (6 - count) & 0x3f]);
  return text;
}

}  // namespace

bool decode_base64url(Bytes text, std::string& out) { return decode(text, kUrlValues, out); }

bool decode_base64(Bytes text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  if (text.ends_with("==")) {
    text.remove_suffix(2);
  } else if (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  return decode(text, kPlainValues, out);
}

std::string encode_base64url(Bytes bytes) { return encode(bytes, kUrlLetters); }

std::string encode_base64(Bytes bytes) {
  std::string text = encode(bytes, kPlainLetters);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

}  // namespace millrace

#include "core/base/uuid.h"

#include <cstddef>
#include <cstring>

namespace millrace {

Uuid Uuid::random(Random& random) {
  Uuid made;
  const std::array<std::uint64_t, 2> words = {random.next(), random.next()};
  std::memcpy(made.bytes_.data(), words.data(), made.bytes_.size());
  std::uint8_t& version = made.bytes_[6];
  std::uint8_t& variant = made.bytes_[8];
  version = static_cast<std::uint8_t>((version & 0x0fU) | 0x40U);
  variant = static_cast<std::uint8_t>((variant & 0x3fU) | 0x80U);
  return made;
}

Uuid::Text Uuid::text() const {
  static constexpr char kHex[] = "0123456789abcdef";
  Text text;
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.chars_[at++] = '-';
    text.chars_[at++] = kHex[bytes_[i] >> 4U];
    text.chars_[at++] = kHex[bytes_[i] & 0xfU];
  }
  return text;
}

}  // namespace millrace

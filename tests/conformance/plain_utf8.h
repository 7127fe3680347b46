// A second opinion on UTF-8, by arithmetic on code points (RFC 3629 section 3). It shares nothing
// with core/base/utf8.h, which is under test.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace millrace::conformance {

// What a checker may forget, on purpose.
struct Utf8Leniency {
  bool overlong = false;
  bool surrogates = false;
  bool beyond = false;  // over U+10FFFF
};

struct Utf8Scan {
  bool possible = true;   // more bytes could make it valid
  std::size_t whole = 0;  // bytes of the whole characters at its front

  [[nodiscard]] bool valid(Bytes text) const { return possible && whole == text.size(); }
};

namespace internal {

// Whether a code point between these, written in `bytes`, is one that UTF-8 has.
inline bool some_allowed(std::uint32_t lowest, std::uint32_t highest, int bytes,
                         const Utf8Leniency& leniency) {
  constexpr std::uint32_t kShortest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (!leniency.overlong && highest < kShortest[bytes]) return false;
  if (!leniency.overlong && lowest < kShortest[bytes]) lowest = kShortest[bytes];
  if (!leniency.beyond && lowest > 0x10ffff) return false;
  return leniency.surrogates || lowest < 0xd800 || highest > 0xdfff;
}

}  // namespace internal

inline Utf8Scan scan_utf8(Bytes text, const Utf8Leniency& leniency = {}) {
  Utf8Scan scan;
  while (scan.whole < text.size()) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[scan.whole + i]); };
    const std::uint8_t lead = at(0);
    const int bytes = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (bytes == 0 || lead >= 0xf8) return {false, scan.whole};
    std::uint32_t value = bytes == 1 ? lead : lead & (0x7f >> bytes);
    int missing = bytes - 1;
    for (std::size_t i = 1; missing > 0 && scan.whole + i < text.size(); ++i, --missing) {
      if ((at(i) & 0xc0) != 0x80) return {false, scan.whole};
      value = value << 6 | (at(i) & 0x3f);
    }
    const std::uint32_t lowest = value << 6 * missing;
    const std::uint32_t highest = lowest | ((1U << 6 * missing) - 1);
    if (!internal::some_allowed(lowest, highest, bytes, leniency)) return {false, scan.whole};
    if (missing > 0) return scan;
    scan.whole += static_cast<std::size_t>(bytes);
  }
  return scan;
}

inline bool is_utf8(Bytes text) { return scan_utf8(text).valid(text); }

}  // namespace millrace::conformance

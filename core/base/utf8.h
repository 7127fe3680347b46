// Is it UTF-8 (RFC 3629)? Whole texts, and texts that come in chunks.
//
// Refused are overlong forms, surrogates and what lies beyond U+10FFFF, each at the first byte
// after which no valid text is possible: a WebSocket peer is told before its message ends.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace millrace {

bool utf8_valid(Bytes text);

// A text in chunks that may end inside a character.
class Utf8Validator {
 public:
  // False if the text is invalid already; from then on it stays so until reset().
  bool feed(Bytes chunk);
  // True if the text could end here: valid so far and not inside a character.
  [[nodiscard]] bool complete() const { return missing_ == 0 && !invalid_; }
  void reset() { *this = Utf8Validator(); }

 private:
  bool start_character(std::uint8_t lead);

  std::uint8_t missing_ = 0;  // continuation bytes until the character is whole
  // What the next continuation byte may be. The first one after some leads is narrowed, and that is
  // all it takes to refuse overlongs, surrogates and numbers that are too big.
  std::uint8_t lowest_ = 0x80;
  std::uint8_t highest_ = 0xbf;
  bool invalid_ = false;
};

static_assert(sizeof(Utf8Validator) <= 8, "every connection inside a message has one");

}  // namespace millrace

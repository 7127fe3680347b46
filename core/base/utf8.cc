#include "core/base/utf8.h"

#include <cstddef>
#include <cstring>

namespace millrace {
namespace {

// How many bytes at the start are ASCII for sure; the rest is for the slow way to judge.
std::size_t ascii_words(const char* data, std::size_t size) {
  constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;
  std::size_t done = 0;
  while (size - done >= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, data + done, sizeof(word));
    if ((word & kHighBits) != 0) break;
    done += sizeof(word);
  }
  return done;
}

}  // namespace

bool utf8_valid(Bytes text) {
  Utf8Validator validator;
  return validator.feed(text) && validator.complete();
}

bool Utf8Validator::feed(Bytes chunk) {
  if (invalid_) return false;
  for (std::size_t at = 0; at < chunk.size();) {
    const auto byte = static_cast<std::uint8_t>(chunk[at]);
    if (missing_ > 0) {
      if (byte < lowest_ || byte > highest_) {
        invalid_ = true;
        return false;
      }
      --missing_;
      lowest_ = 0x80;
      highest_ = 0xbf;
      ++at;
    } else if (byte < 0x80) {
      const std::size_t skipped = ascii_words(chunk.data() + at, chunk.size() - at);
      at += skipped > 0 ? skipped : 1;
    } else {
      if (!start_character(byte)) return false;
      ++at;
    }
  }
  return true;
}

// The table of well-formed sequences: Unicode, section 3.9, table 3-7.
bool Utf8Validator::start_character(std::uint8_t lead) {
  if (lead < 0xc2 || lead > 0xf4) {
    invalid_ = true;
    return false;
  }
  if (lead < 0xe0) {
    missing_ = 1;
  } else if (lead < 0xf0) {
    missing_ = 2;
    if (lead == 0xe0) lowest_ = 0xa0;   // below: overlong
    if (lead == 0xed) highest_ = 0x9f;  // above: a surrogate
  } else {
    missing_ = 3;
    if (lead == 0xf0) lowest_ = 0x90;   // below: overlong
    if (lead == 0xf4) highest_ = 0x8f;  // above: beyond U+10FFFF
  }
  return true;
}

}  // namespace millrace

#include "core/hub/stream.h"

#include <algorithm>

#include "core/base/assert.h"

namespace millrace {

namespace {

constexpr Bytes kAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

}  // namespace

Epoch Epoch::of_bits(std::uint64_t bits) {
  Epoch epoch;
  for (char& letter : epoch.letters_) {
    letter = kAlphabet[bits % kAlphabet.size()];
    bits /= kAlphabet.size();
  }
  return epoch;
}

std::optional<Epoch> Epoch::parse(Bytes text) {
  Epoch epoch;
  if (text.empty()) return epoch;
  if (text.size() != kLetters) return std::nullopt;
  for (std::size_t i = 0; i < kLetters; ++i) {
    if (kAlphabet.find(text[i]) == Bytes::npos) return std::nullopt;
    epoch.letters_[i] = text[i];
  }
  return epoch;
}

Bytes Epoch::text() const { return none() ? Bytes() : Bytes(letters_.data(), kLetters); }

}  // namespace millrace

// The signatures that a token may have (RFC 7518 section 3.1, RFC 8037 section 3.1). `none` is no
// value of this type, so no code can come upon it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/bytes.h"

namespace millrace {

enum class TokenAlgorithm : std::uint8_t {
  kHs256,
  kHs384,
  kHs512,
  kRs256,
  kRs384,
  kRs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa,
};
inline constexpr std::size_t kTokenAlgorithms = 10;

// How a signature is checked; the algorithms of a kind differ in hash or curve.
enum class TokenKeyKind : std::uint8_t { kHmac, kRsa, kEc, kEd25519 };

// Of exactly this name: `hs256` and `none` are nothing.
std::optional<TokenAlgorithm> token_algorithm(Bytes name);
Bytes token_algorithm_name(TokenAlgorithm algorithm);
TokenKeyKind token_key_kind(TokenAlgorithm algorithm);
// OpenSSL's name for it; REQUIRES: not kEdDsa, which has a hash of its own.
const char* token_hash_name(TokenAlgorithm algorithm);

}  // namespace millrace

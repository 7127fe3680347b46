// A set of keys (JWKS, RFC 7517): RSA, EC, OKP (Ed25519) and oct. Pure.
//
// What is meant for something else (`use`, `key_ops`, an algorithm or type that we don't have) is
// skipped, as section 5 asks; what is broken, weak or private is an error.
#pragma once

#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/auth/token_keys.h"

namespace millrace {

inline constexpr std::size_t kMaxJwkMembers = 32;

struct Jwks {
  std::vector<TokenKey> keys;        // at least one
  std::vector<std::string> skipped;  // "key 2 of the set: ..."
};

// The error names the key by its place and holds nothing of it.
Result<Jwks> read_jwks(Bytes text);

}  // namespace millrace

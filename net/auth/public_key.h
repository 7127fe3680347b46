// Public keys for tokens, of a PEM text or of a JWK's numbers, refused where they are weak or are
// something else. Pure.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/auth/token_algorithm.h"
#include "net/auth/token_keys.h"

namespace millrace {

struct PinnedKey {
  PublicKey key;
  TokenAlgorithm algorithm = TokenAlgorithm::kRs256;
};

// The errors begin with what is wrong and name a fix; they hold nothing of the key.
//
// One key in SubjectPublicKeyInfo ("BEGIN PUBLIC KEY"). `wanted`: what it is to be for; it must
// fit.
Result<PinnedKey> public_key_of_pem(Bytes pem, std::optional<TokenAlgorithm> wanted);

// Big-endian numbers, as a JWK has them.
Result<PinnedKey> rsa_public_key(Bytes modulus, Bytes exponent,
                                 std::optional<TokenAlgorithm> wanted);
// `algorithm` stands for the curve. REQUIRES: token_key_kind(algorithm) == kEc.
Result<PinnedKey> ec_public_key(TokenAlgorithm algorithm, Bytes x, Bytes y);
Result<PinnedKey> ed25519_public_key(Bytes x);

// Of each of a signature's two numbers, and of a point's. REQUIRES: as above.
std::size_t ec_number_bytes(TokenAlgorithm algorithm);

}  // namespace millrace

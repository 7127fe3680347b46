// Checks the signatures of tokens. Owner: a TokenVerifier, one a shard: OpenSSL's contexts are made
// once a key and used again and again, since making one costs more than most checks.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "net/auth/token_keys.h"

namespace millrace {

class TokenSignatures {
 public:
  // `keys` must outlive it.
  explicit TokenSignatures(const TokenKeys& keys) : keys_(keys), slots_(keys.all().size()) {}

  // True if the key of that index signed `text`, with this algorithm. What OpenSSL has no memory
  // for is false as well. REQUIRES: the key is_for(algorithm).
  [[nodiscard]] bool good(std::size_t key, TokenAlgorithm algorithm, Bytes text, Bytes signature);

 private:
  static constexpr std::size_t kHashes = 3;
  struct Free {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(EVP_MD* hash) const { EVP_MD_free(hash); }
  };
  // Of one key; which are made depends on its kind.
  struct Slot {
    std::array<std::unique_ptr<EVP_MAC_CTX, Free>, kHashes> macs;
    std::unique_ptr<EVP_PKEY_CTX, Free> verify;
  };

  [[nodiscard]] bool hmac_good(Slot& slot, const TokenKey& key, TokenAlgorithm algorithm,
                               Bytes text, Bytes signature);
  [[nodiscard]] bool hashed_good(Slot& slot, const TokenKey& key, TokenAlgorithm algorithm,
                                 Bytes text, Bytes signature);
  [[nodiscard]] bool ed25519_good(const TokenKey& key, Bytes text, Bytes signature);
  [[nodiscard]] EVP_MD* hash(TokenAlgorithm algorithm);

  const TokenKeys& keys_;
  std::vector<Slot> slots_;
  std::array<std::unique_ptr<EVP_MD, Free>, kHashes> hashes_;
  std::unique_ptr<EVP_MD_CTX, Free> digest_;
};

// A raw ECDSA signature, two numbers of the same length (RFC 7518 section 3.4), as DER. Empty if it
// is of odd length, empty, or one of the numbers is zero (CVE-2022-21449).
std::string ecdsa_der(Bytes raw);

}  // namespace millrace

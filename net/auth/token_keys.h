// The keys that tokens are checked with: made once of the configuration, then constant and shared
// by all shards.
//
// Each key is for exactly one algorithm, so no token can choose how a key is used: an RSA key is
// never a secret, and a P-256 key is for ES256 alone. The one exception are the two secrets of the
// configuration, which are for HS256, HS384 and HS512: nothing in the configuration says which is
// meant, and what one of these hashes tells about a secret is of no use with another. A key in a
// set of keys (JWKS) has the algorithm that its `alg` names, or else what its type says.
//
// A token's `kid` is a name to look up, exactly: only the key of that name is tried. Without `kid`,
// the first kMaxTriedKeys keys of its algorithm are, in the order of the configuration.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/auth/token_algorithm.h"

namespace millrace {

inline constexpr std::size_t kLeastTokenSecret = 32;          // bytes: as strong as SHA-256
inline constexpr std::size_t kMaxTokenSecret = 1'024;         // bytes
inline constexpr std::size_t kMaxTokenKeys = 64;              // all together
inline constexpr std::size_t kMaxTriedKeys = 4;               // for one token without `kid`
inline constexpr std::size_t kMaxKeyId = 255;                 // bytes of a `kid`
inline constexpr std::size_t kMaxTokenKeyFile = 256 * 1'024;  // bytes of a PEM or JWKS file
inline constexpr std::size_t kLeastRsaBits = 2'048;           // RFC 7518 section 3.3
inline constexpr std::size_t kMaxRsaBits = 8'192;             // a check takes time by their square
inline constexpr std::size_t kMaxRsaExponentBits = 64;        // and by these

// `[token]` of the configuration. Empty means: not said.
struct TokenSettings {
  std::string hmac_secret;
  std::string hmac_previous_secret;
  // Each a PEM file or the PEM text itself, with words in front if wanted: "kid=NAME", and
  // "alg=RS384" for an RSA key, which is for RS256 otherwise.
  std::vector<std::string> public_keys;
  std::string jwks;  // a file (RFC 7517), or the JSON itself
  std::string audience;
  std::string issuer;
};

struct PublicKeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PublicKey = std::unique_ptr<EVP_PKEY, PublicKeyFree>;

struct TokenKey {
  std::string name;  // as errors call it: `public_keys[2]`; never the key
  std::string kid;   // empty: none
  std::vector<TokenAlgorithm> algorithms;
  std::string secret;    // of an HMAC key
  PublicKey public_key;  // of all others

  [[nodiscard]] bool is_for(TokenAlgorithm algorithm) const;
};

class TokenKeys {
 public:
  // No keys: no token is accepted.
  TokenKeys() = default;
  // Reads files. The error says which key, what is wrong and what to do; it holds no secret.
  static Result<TokenKeys> load(const TokenSettings& settings);

  [[nodiscard]] bool empty() const { return keys_.empty(); }
  [[nodiscard]] const std::vector<TokenKey>& all() const { return keys_; }
  // Keys of the set that can't be used here, each with why: for the log.
  [[nodiscard]] const std::vector<std::string>& skipped() const { return skipped_; }

  // The indexes of the keys to try: one at most with a `kid`, which may be the empty text, that no
  // key has. Never more than kMaxTriedKeys.
  void find(TokenAlgorithm algorithm, std::optional<Bytes> kid,
            std::vector<std::size_t>& found) const;

  // Of configured secrets and files alike.
  Result<void> add(TokenKey key);

 private:
  Result<void> add_secret(const char* name, const std::string& secret);
  Result<void> add_public_key(std::size_t index, const std::string& entry);
  Result<void> add_jwks(const std::string& path);

  std::vector<TokenKey> keys_;
  std::vector<std::string> skipped_;
};

// "hmac_secret is ... too short"; nothing if it is fine.
std::optional<std::string> weak_secret(const std::string& name, Bytes secret);

}  // namespace millrace

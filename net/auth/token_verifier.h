// Tokens (RFC 7519, signed as RFC 7515's compact form): bytes and a time to claims, or why not.
// docs/TOKENS.md says what they may hold.
//
// Pure but for its buffers; one a shard. All work is bounded: what is too long is refused before
// anything is read, the header is the only thing that is read before the signature is found good,
// and at most kMaxTriedKeys signatures are checked. Keys come from the configuration alone: a
// header's jwk, jku, x5c and x5u are not looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/auth/claims.h"
#include "net/auth/claims_reader.h"
#include "net/auth/token_error.h"
#include "net/auth/token_json.h"
#include "net/auth/token_keys.h"
#include "net/auth/token_signature.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr std::size_t kMaxToken = 16 * 1'024;  // bytes; subs and info are in it
inline constexpr std::size_t kMaxTokenHeaderMembers = 32;

class TokenVerifier {
 public:
  TokenVerifier(std::shared_ptr<const TokenKeys> keys, TokenExpectations expected);

  // `now` in seconds of the calendar.
  Result<ConnectClaims, TokenError> connect(Bytes token, std::int64_t now);
  Result<SubscribeClaims, TokenError> subscribe(Bytes token, std::int64_t now);

 private:
  // The claims' JSON, in payload_, of a token whose signature is good.
  Result<void, TokenError> open(Bytes token);
  Result<void, TokenError> read_header(Bytes encoded);

  std::shared_ptr<const TokenKeys> keys_;
  TokenSignatures signatures_;
  ClaimsReader claims_;
  JsonValidator validator_;
  JsonObject header_members_;
  TokenAlgorithm algorithm_ = TokenAlgorithm::kHs256;  // of the header read last
  std::vector<std::size_t> candidates_;
  std::string header_;
  std::string payload_;
  std::string signature_;
};

}  // namespace millrace

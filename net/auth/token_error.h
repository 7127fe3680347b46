// Why a token is not accepted. The texts hold nothing of a token, so they may be logged.
//
// Values, of no shard in particular. It is not what a client is told (proto/error_code.h): that is
// less, and the session's to say. The limits that texts name are claims_reader.h's and
// token_verifier.h's.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace millrace {

enum class TokenError : std::uint8_t {
  kTooLong,
  kNotThreeParts,
  kBadBase64,
  kBadHeader,
  kBadAlgorithm,
  kCritical,
  kUnknownKey,
  kBadSignature,
  kBadClaims,
  kBadTime,
  kBadUser,
  kBadInfo,
  kBadChannel,
  kTooManySubscriptions,
  kExpired,
  kNotYetValid,
  kIssuedLater,
  kWrongAudience,
  kWrongIssuer,
  kIsForSubscribing,
  kIsForConnecting,
  kIsForAnother,
  kGrantIsOver,
  kRevoked,
};

// With a fix, for who makes the tokens.
Bytes token_error_text(TokenError error);

// Error 109, upon which SDKs ask for a new token: `exp` is over. All else is invalid, for good.
inline bool token_expired(TokenError error) { return error == TokenError::kExpired; }

}  // namespace millrace

// Why a token is not accepted. The texts hold nothing of a token, so they may be logged.
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

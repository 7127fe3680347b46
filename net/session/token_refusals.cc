#include "net/session/token_refusals.h"

#include <string>

#include "core/base/assert.h"
#include "core/base/log.h"

namespace millrace {

TokenRefusal token_refusal(TokenError error) {
  switch (error) {
    case TokenError::kTooLong:
    case TokenError::kNotThreeParts:
    case TokenError::kBadBase64:
    case TokenError::kBadHeader:
    case TokenError::kCritical:
      return TokenRefusal::kForm;
    case TokenError::kBadAlgorithm:
    case TokenError::kUnknownKey:
      return TokenRefusal::kKey;
    case TokenError::kBadSignature:
      return TokenRefusal::kSignature;
    case TokenError::kBadClaims:
    case TokenError::kBadTime:
    case TokenError::kBadUser:
    case TokenError::kBadInfo:
    case TokenError::kBadChannel:
    case TokenError::kTooManySubscriptions:
      return TokenRefusal::kClaims;
    case TokenError::kExpired:
    case TokenError::kGrantIsOver:
      return TokenRefusal::kExpired;
    case TokenError::kNotYetValid:
    case TokenError::kIssuedLater:
      return TokenRefusal::kTooEarly;
    case TokenError::kWrongAudience:
    case TokenError::kWrongIssuer:
    case TokenError::kIsForSubscribing:
    case TokenError::kIsForConnecting:
    case TokenError::kIsForAnother:
      return TokenRefusal::kPurpose;
    case TokenError::kRevoked:
      return TokenRefusal::kRevoked;
  }
  CHECK(false);
  return TokenRefusal::kForm;
}

void TokenRefusals::note(ConnId who, TokenError error, Instant now) {
  const TokenRefusal cause = token_refusal(error);
  ++metrics_.tokens_refused_total[static_cast<std::size_t>(cause)];
  LogLimiter& limiter = logs_[static_cast<std::size_t>(cause)];
  if (!limiter.allow(now)) return;
  const Connection* connection = table_.find(who);
  CHECK(connection != nullptr);
  std::string line = "refused a token from " + connection->peer().to_string() + " (" +
                     token_refusal_name(cause) + "): ";
  line.append(token_error_text(error)).append(limiter.suppressed_note());
  if (cause == TokenRefusal::kExpired) {
    log_info(line);
  } else {
    log_warn(line);
  }
}

}  // namespace millrace

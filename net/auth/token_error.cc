#include "net/auth/token_error.h"

#include "core/base/assert.h"

namespace millrace {

Bytes token_error_text(TokenError error) {
  switch (error) {
    case TokenError::kTooLong:
      return "the token is longer than 16 KiB; put less into info, subs or meta";
    case TokenError::kNotThreeParts:
      return "the token has not three parts; send the signed token (JWS, compact) as it was made";
    case TokenError::kBadBase64:
      return "a part of the token is not base64url; make it without padding";
    case TokenError::kBadHeader:
      return "the token's header is no plain JSON object; make the token with a JWT library";
    case TokenError::kBadAlgorithm:
      return "the token's alg is none of HS, RS and ES 256, 384, 512 and EdDSA; use one of these";
    case TokenError::kCritical:
      return "the token's header wants an extension (crit, b64); make it without";
    case TokenError::kUnknownKey:
      return "no configured key is for the token's alg and kid; configure it or correct the token";
    case TokenError::kBadSignature:
      return "the token's signature is wrong; sign with the key that is configured here";
    case TokenError::kBadClaims:
      return "the token's claims are no JSON object with the types of docs/TOKENS.md";
    case TokenError::kBadTime:
      return "a time in the token is no number of seconds since 1970; are they milliseconds?";
    case TokenError::kBadUser:
      return "sub, jti or client is no text of at most 255 bytes";
    case TokenError::kBadInfo:
      return "b64info or b64data is not base64 of JSON";
    case TokenError::kBadChannel:
      return "channel, channels or subs names no valid channel";
    case TokenError::kTooManySubscriptions:
      return "the token subscribes to more than 128 channels";
    case TokenError::kExpired:
      return "the token has expired";
    case TokenError::kNotYetValid:
      return "the token is not valid yet (nbf); do the clocks agree?";
    case TokenError::kIssuedLater:
      return "the token was issued in the future (iat); do the clocks agree?";
    case TokenError::kWrongAudience:
      return "the token's aud is not the configured audience";
    case TokenError::kWrongIssuer:
      return "the token's iss is not the configured issuer";
    case TokenError::kIsForSubscribing:
      return "a token to connect with has no channel claim";
    case TokenError::kIsForConnecting:
      return "a token to subscribe with needs a channel claim";
    case TokenError::kIsForAnother:
      return "the token is for another user, channel or client than the one it came with";
    case TokenError::kGrantIsOver:
      return "what the token grants is over (expire_at)";
    case TokenError::kRevoked:
      return "it was revoked";
  }
  CHECK(false);
  return {};
}

}  // namespace millrace

#include "net/auth/token_gate.h"

namespace millrace {

bool TokenGate::revoked(Bytes user, const TokenTimes& times, Bytes token_id) {
  return revocations_.is_revoked({user, times.issued_at, token_id_hash(token_id)}, now());
}

Result<ConnectClaims, TokenError> TokenGate::connect(Bytes token) {
  auto claims = verifier_->connect(token, now());
  if (claims.ok() && revoked(claims->user, claims->times, claims->token_id)) {
    return TokenError::kRevoked;
  }
  return claims;
}

Result<SubscribeClaims, TokenError> TokenGate::subscribe(Bytes token) {
  auto claims = verifier_->subscribe(token, now());
  if (claims.ok() && revoked(claims->user, claims->times, claims->token_id)) {
    return TokenError::kRevoked;
  }
  return claims;
}

}  // namespace millrace

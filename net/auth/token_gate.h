// Who is let in: tokens that are good and not revoked. One a shard; used on its thread.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/time/clock.h"
#include "net/auth/revocations.h"
#include "net/auth/token_verifier.h"

namespace millrace {

class TokenGate {
 public:
  // `calendar` must outlive it.
  TokenGate(std::shared_ptr<const TokenKeys> keys, const TokenExpectations& expected,
            CalendarClock& calendar)
      : calendar_(calendar) {
    use(std::move(keys), expected);
  }

  // False if there is no key: no token can be good.
  [[nodiscard]] bool usable() const { return usable_; }
  // Seconds of the calendar.
  [[nodiscard]] std::int64_t now() { return calendar_.seconds(); }

  Result<ConnectClaims, TokenError> connect(Bytes token);
  Result<SubscribeClaims, TokenError> subscribe(Bytes token);

  // `now` is the same on all shards, so that their tables agree.
  Result<void, RevokeError> revoke(const Revocation& revocation, std::int64_t now) {
    return revocations_.apply(revocation, now);
  }
  // Of who was let in before: exact but for single tokens, of which a session keeps a part of the
  // hash; who is taken for another one so comes back and is looked at in full.
  [[nodiscard]] const Revocations& revocations() const { return revocations_; }

  // Other keys, from now on.
  void use(std::shared_ptr<const TokenKeys> keys, const TokenExpectations& expected) {
    usable_ = !keys->empty();
    verifier_ = std::make_unique<TokenVerifier>(std::move(keys), expected);
  }

 private:
  [[nodiscard]] bool revoked(Bytes user, const TokenTimes& times, Bytes token_id);

  CalendarClock& calendar_;
  bool usable_ = false;
  std::unique_ptr<TokenVerifier> verifier_;
  Revocations revocations_;
};

}  // namespace millrace

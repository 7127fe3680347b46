// From the JSON of a token's claims, whose signature is good, to what they say. Strict: a known
// claim has one type and stands once; unknown ones are ignored. Owner: a TokenVerifier.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/auth/claims.h"
#include "net/auth/subscription_reader.h"
#include "net/auth/token_error.h"
#include "net/auth/token_json.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr std::size_t kMaxTokenUser = 255;  // bytes; also of `jti` and `client`
// How far `iat` may lie in the future: the clocks of two machines differ. `exp` and `nbf` have no
// such kindness: who makes tokens can choose them.
inline constexpr std::int64_t kIssuedLeeway = 30;

// What tokens must say; empty: anything.
struct TokenExpectations {
  std::string audience;
  std::string issuer;
};

class ClaimsReader {
 public:
  explicit ClaimsReader(TokenExpectations expected) : expected_(std::move(expected)) {}

  // `now` in seconds of the calendar.
  Result<ConnectClaims, TokenError> connect(Bytes json, std::int64_t now);
  Result<SubscribeClaims, TokenError> subscribe(Bytes json, std::int64_t now);

 private:
  using Failure = std::optional<TokenError>;

  [[nodiscard]] Failure begin(Bytes json, std::int64_t now, TokenTimes& times);
  [[nodiscard]] Failure check_times(std::int64_t now, TokenTimes& times) const;
  [[nodiscard]] Failure check_audience() const;
  [[nodiscard]] Failure check_issuer() const;
  [[nodiscard]] Failure take_name(Bytes claim, std::string& out) const;

  TokenExpectations expected_;
  JsonValidator validator_;
  JsonObject claims_;
  SubscriptionReader subscriptions_;
};

}  // namespace millrace

// The parts of a JSON object that are about subscriptions: `subs`, `channels`, `info`, `data`,
// `override`. A token's claims and an application's replies have the same ones (docs/TOKENS.md).
//
// Strict, as claims_reader.h, whose limits hold. It keeps buffers. Owner: who reads, one each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "net/auth/claims.h"
#include "net/auth/token_error.h"
#include "net/auth/token_json.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr std::size_t kMaxClaims = 128;              // members of one object
inline constexpr std::size_t kMaxTokenSubscriptions = 128;  // as many as a connection may have

class SubscriptionReader {
 public:
  // Why not; nothing if all is well.
  using Failure = std::optional<TokenError>;

  // `claim` or, winning, `b64claim` of `from`.
  [[nodiscard]] Failure take_json(const JsonObject& from, Bytes claim, std::string& out);
  [[nodiscard]] Failure take_subs(const JsonObject& from, std::vector<ClaimedSubscription>& subs);
  [[nodiscard]] static Failure take_channels(const JsonObject& from,
                                             std::vector<ClaimedSubscription>& subs);
  // The members of a subscription's object: info, data, override.
  [[nodiscard]] Failure take_subscription(const JsonObject& from, ClaimedSubscription& sub);

 private:
  [[nodiscard]] Failure take_override(Bytes text, ClaimedSubscription& sub);

  JsonValidator validator_;
  // Objects inside, from the outside in.
  JsonObject subs_;
  JsonObject sub_;
  JsonObject overrides_;
  JsonObject override_;
  std::string decoded_;
};

}  // namespace millrace

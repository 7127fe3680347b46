// What a token says, once it has been verified (net/auth/token_verifier.h). Owned values.
//
// Times are seconds of the calendar (RFC 7519 section 2, NumericDate), cut to whole ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

// A channel that a connection token subscribes its client to (`subs`, `channels`).
struct ClaimedSubscription {
  std::string channel;
  std::string info;  // raw JSON; empty: none
  std::string data;  // the same
  // What the token sets against the namespace's settings.
  std::optional<bool> presence;
  std::optional<bool> join_leave;
  std::optional<bool> positioned;
  std::optional<bool> recoverable;
};

struct TokenTimes {
  std::int64_t issued_at = 0;  // 0: not said
  // When what it grants ends: `expire_at` if that is there, else `exp`; 0: never.
  std::int64_t expires_at = 0;
};

struct ConnectClaims {
  std::string user;      // `sub`; empty: nobody in particular
  std::string token_id;  // `jti`; empty: none
  TokenTimes times;
  std::string info;  // raw JSON
  std::string meta;  // raw JSON, never told to clients
  std::vector<ClaimedSubscription> subs;
};

struct SubscribeClaims {
  std::string user;    // must be the connection's
  std::string client;  // must be the connection's if it is there (old tokens)
  std::string token_id;
  TokenTimes times;
  ClaimedSubscription sub;
};

}  // namespace millrace

// What the server API orders of a session. Values only; session_orders.cc carries them out.
//
// Times are seconds of the calendar; 0: never.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/auth/claims.h"

namespace millrace {

// A subscription that the server makes.
struct Grant {
  struct Position {
    std::uint64_t offset = 0;
    std::string epoch;
  };
  ClaimedSubscription sub;
  std::int64_t expires_at = 0;
  std::optional<Position> since = {};  // it gets what was published from there on
};

// What a connection was let in with, anew.
struct Renewal {
  bool expired = false;  // it is over now
  std::int64_t expires_at = 0;
  std::optional<std::string> info = {};  // raw JSON, in the place of the token's
};

}  // namespace millrace

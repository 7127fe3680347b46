// Makes tokens that are signed with a secret (HS256): for `millrace token`, tests and benchmarks.
// An application makes its own; docs/TOKENS.md shows how. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace millrace {

struct TokenOrder {
  std::string user;                    // empty: nobody in particular
  std::optional<std::string> channel;  // a token to subscribe with; else one to connect with
  std::vector<std::string> channels;   // that a connection is subscribed to
  std::string info;                    // JSON; empty: none
  std::string token_id;                // empty: none
  std::string audience;                // the same
  std::string issuer;                  // the same
  std::int64_t issued_at = 0;          // seconds of the calendar
  std::int64_t lifetime = 3'600;       // seconds
};

// Only what the server would accept is made. The error names cause and fix, and holds no secret.
Result<std::string> make_token(const TokenOrder& order, Bytes secret);

// header.payload.signature of any two texts. Nothing is checked.
std::string sign_hs256(Bytes header, Bytes payload, Bytes secret);

}  // namespace millrace

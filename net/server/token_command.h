// `millrace token`: a token for a client, made with the configured secret. Reads the
// configuration's file, and touches nothing else.
//
// It runs where there is no shard, and asks no running server. Limits are those of tokens
// (docs/TOKENS.md): one that the server would refuse is not made. Taking tokens back is not done
// here, but by the server's API.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/server/config_loader.h"

namespace millrace {

struct TokenCommandResult {
  int exit_code = 0;  // sysexits(3)
  std::string out;    // for stdout: the token and a line break, or the help
  std::string error;  // for stderr; holds no secret
};

// What two tokens of the same flags differ by.
struct TokenOrigin {
  std::int64_t now = 0;  // seconds of the calendar
  std::string token_id;
};

// `words` are what stands behind `millrace token`.
TokenCommandResult run_token_command(const std::vector<std::string>& words,
                                     const Environment& environment, const TokenOrigin& origin);

}  // namespace millrace

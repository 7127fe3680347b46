// Tokens that were refused: each is counted by its cause, and the log says why and from where, so
// that who debugs a login finds it there. Never the token, nor anything that it claims.
//
// Limits: a line a cause in kLogInterval, so that a flood of one hides no other. Expired tokens are
// everyday life, and a lower level. An address is the socket's: behind a proxy, the proxy's.
//
// Owner: the shard.
#pragma once

#include <vector>

#include "core/limit/log_limiter.h"
#include "core/metrics/shard_metrics.h"
#include "net/auth/token_error.h"
#include "net/tcp/connection_table.h"

namespace millrace {

// What the metrics call it.
TokenRefusal token_refusal(TokenError error);

class TokenRefusals {
 public:
  static constexpr Duration kLogInterval = seconds(10);

  // Both must outlive it.
  TokenRefusals(ConnectionTable& table, ShardMetrics& metrics)
      : table_(table), metrics_(metrics), logs_(kTokenRefusals, LogLimiter(1, kLogInterval)) {}

  void note(ConnId who, TokenError error, Instant now);

 private:
  ConnectionTable& table_;
  ShardMetrics& metrics_;
  std::vector<LogLimiter> logs_;  // by cause
};

}  // namespace millrace

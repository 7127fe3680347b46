// Keeps a log line that a peer can provoke from filling the log: at most `lines` an interval, and
// the rest is counted and told with the next line.
//
//   if (limiter.allow(now)) log_warn("refused a handshake" + limiter.suppressed_note());
//
// Owner: the shard whose lines it limits; not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/base/assert.h"
#include "core/time/instant.h"

namespace millrace {

class LogLimiter {
 public:
  // REQUIRES: lines > 0, interval > 0.
  LogLimiter(std::uint32_t lines, Duration interval) : lines_(lines), interval_(interval) {
    CHECK_GT(lines, 0U);
    CHECK_GT(interval.ns, 0);
  }

  // An interval begins with the first line that asks after the last one's end.
  [[nodiscard]] bool allow(Instant now) {
    if (!started_ || now - begin_ >= interval_) {
      started_ = true;
      begin_ = now;
      allowed_ = 0;
    }
    if (allowed_ == lines_) {
      ++suppressed_;
      return false;
    }
    ++allowed_;
    return true;
  }

  // How many were refused since this was last asked.
  [[nodiscard]] std::uint64_t take_suppressed() { return std::exchange(suppressed_, 0); }
  // The same for the end of a line: "" or " (12 more were not logged)".
  [[nodiscard]] std::string suppressed_note() {
    const std::uint64_t count = take_suppressed();
    return count == 0 ? "" : " (" + std::to_string(count) + " more were not logged)";
  }

 private:
  const std::uint32_t lines_;
  const Duration interval_;
  bool started_ = false;
  Instant begin_{};
  std::uint32_t allowed_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace millrace

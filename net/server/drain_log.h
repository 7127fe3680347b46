// How far the drain of the whole process is, for the log: at its beginning, and once a second.
//
// Pure; time is an argument. Owner: the admin shard.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/time/instant.h"

namespace millrace {

class DrainLog {
 public:
  static constexpr Duration kBetweenLines = seconds(1);

  // A line, if one is due. `left` connections; the drain takes `timeout` at most, and less if
  // somebody is in a hurry.
  [[nodiscard]] std::optional<std::string> line(Instant now, std::uint64_t left, Duration timeout) {
    if (next_ != Instant{} && now < next_) return std::nullopt;
    const std::string connections =
        std::to_string(left) + (left == 1 ? " connection" : " connections");
    if (next_ == Instant{}) {
      begin_ = now;
      next_ = now + kBetweenLines;
      return "draining " + connections + " over " + std::to_string(timeout.to_ms()) + " ms";
    }
    next_ = next_ + kBetweenLines * (1 + (now - next_).ns / kBetweenLines.ns);
    return "draining for " + std::to_string((now - begin_).to_seconds()) + " s: " + connections +
           " left";
  }

 private:
  Instant begin_{};
  Instant next_{};
};

}  // namespace millrace

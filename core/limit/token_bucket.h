// A rate limit: so many tokens a period, saved up to a burst. Pure; time is an argument.
//
// Exact in whole numbers, so that no rounding adds up: the bucket's content is counted in parts of
// a token, of which one comes `tokens` times a nanosecond and a token has `per.ns`.
//
// Owner: whoever is limited by it. A clock that goes back gives nothing and takes nothing.
#pragma once

#include <cstdint>
#include <limits>

#include "core/base/assert.h"
#include "core/time/instant.h"

namespace millrace {

struct TokenRate {
  std::uint32_t tokens = 1;  // that come in each `per`
  Duration per = seconds(1);
  std::uint32_t burst = 1;  // the most that are saved up

  // What a bucket can be made of, for whoever reads a configuration.
  [[nodiscard]] bool valid() const {
    return tokens > 0 && burst > 0 && per.ns > 0 &&
           burst <= std::numeric_limits<std::int64_t>::max() / per.ns;
  }
};

class TokenBucket {
 public:
  // Full at first. REQUIRES: rate.valid().
  TokenBucket(const TokenRate& rate, Instant now) : rate_(rate), filled_at_(now) {
    CHECK(rate.valid());
    parts_ = full();
  }

  // Takes `n` tokens, or none if there are fewer.
  [[nodiscard]] bool take(Instant now, std::uint32_t n = 1) {
    fill(now);
    if (n > parts_ / rate_.per.ns) return false;
    parts_ -= n * rate_.per.ns;
    return true;
  }

  // Whole tokens there are now.
  [[nodiscard]] std::uint32_t available(Instant now) {
    fill(now);
    return static_cast<std::uint32_t>(parts_ / rate_.per.ns);
  }

  // When there will be one more than available(now); Instant::never() if it is full.
  [[nodiscard]] Instant next(Instant now) {
    const std::int64_t whole = available(now);
    if (whole == rate_.burst) return Instant::never();
    const std::int64_t missing = (whole + 1) * rate_.per.ns - parts_;
    return filled_at_ + nanoseconds((missing + rate_.tokens - 1) / rate_.tokens);
  }

 private:
  [[nodiscard]] std::int64_t full() const { return rate_.burst * rate_.per.ns; }

  void fill(Instant now) {
    if (now <= filled_at_) return;
    // As many nanoseconds as fill it are enough, and their product can't overflow.
    const auto span =
        static_cast<std::uint64_t>(now.ns) - static_cast<std::uint64_t>(filled_at_.ns);
    const auto missing = static_cast<std::uint64_t>(full() - parts_);
    filled_at_ = now;
    if (span > missing / rate_.tokens) {
      parts_ = full();
    } else {
      parts_ += static_cast<std::int64_t>(span * rate_.tokens);
    }
  }

  TokenRate rate_;
  Instant filled_at_;
  std::int64_t parts_ = 0;
};

}  // namespace millrace

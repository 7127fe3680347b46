// How long a client waits before it connects again: exponential, with full jitter. Anything between
// nothing and the bound, so that those who were cut off together do not come back together. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/random.h"
#include "core/time/instant.h"

namespace millrace::load {

struct Backoff {
  Duration least = milliseconds(500);  // the bound of the first wait
  Duration most = seconds(20);         // and of the last

  // The bound before attempt 0, 1, ...
  [[nodiscard]] Duration bound(unsigned attempt) const {
    Duration bound = least;
    for (unsigned i = 0; i < attempt && bound < most; ++i) bound = bound * 2;
    return std::min(bound, most);
  }
  [[nodiscard]] Duration wait(unsigned attempt, Random& random) const {
    const auto ns = static_cast<std::uint64_t>(bound(attempt).ns);
    return nanoseconds(static_cast<std::int64_t>(random.below(ns + 1)));
  }
};

}  // namespace millrace::load

// When the k-th thing is due at a fixed rate. What is late stays due at its own time: whoever
// measures from there hides no wait behind another (no coordinated omission). Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/time/instant.h"

namespace millrace::load {

class Schedule {
 public:
  Schedule() = default;
  // REQUIRES: per_second > 0.
  Schedule(Instant start, double per_second) : start_(start), interval_ns_(1e9 / per_second) {}

  [[nodiscard]] Instant at(std::uint64_t k) const {
    return start_ + nanoseconds(static_cast<std::int64_t>(static_cast<double>(k) * interval_ns_));
  }
  // How many are due by `now`: 0, 1, ... due(now) - 1.
  [[nodiscard]] std::uint64_t due(Instant now) const {
    if (now < start_) return 0;
    auto count =
        static_cast<std::uint64_t>(static_cast<double>((now - start_).ns) / interval_ns_) + 1;
    // Rounding must not make the answer differ from at()'s.
    while (count > 0 && at(count - 1) > now) --count;
    while (at(count) <= now) ++count;
    return count;
  }
  [[nodiscard]] Instant start() const { return start_; }

 private:
  Instant start_{};
  double interval_ns_ = 1e9;
};

}  // namespace millrace::load

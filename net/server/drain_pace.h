// When each of many connections is told to go, so that they do not all come back at once: evenly
// from `start` to `end`, and exactly so as long as whoever asks asks often.
//
// Who comes late (the machine was busy) catches up with kLate of it at once, which keeps any second
// below 1.3 times the mean; the rest is spread anew over the time that is left. At the end all that
// is left is due.
//
// Pure; time is an argument. Owner: the drain of a shard.
#pragma once

#include <cstddef>

#include "core/time/instant.h"

namespace millrace {

class DrainPace {
 public:
  static constexpr Duration kLate = milliseconds(300);

  DrainPace() = default;
  DrainPace(std::size_t count, Instant start, Instant end);

  // How many are due now; they count as told.
  [[nodiscard]] std::size_t due(Instant now);
  // One more, at the end.
  void add() { ++left_; }
  // All that is left is due at once.
  void hurry() { end_ = Instant{}; }

  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  // Spreads what is left from `now` on.
  void spread(Instant now);

  std::size_t left_ = 0;
  Instant next_{};  // when the next one is due
  Instant end_{};
  Duration gap_{};
};

}  // namespace millrace

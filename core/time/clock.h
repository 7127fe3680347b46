// Where time comes from. Only the reactor reads it, once a turn; everything below is given `now`.
#pragma once

#include "core/time/instant.h"

namespace millrace {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() = 0;
};

// CLOCK_MONOTONIC (clock_gettime(2)).
class MonotonicClock final : public Clock {
 public:
  [[nodiscard]] Instant now() override;
};

// A clock that moves when a test says so.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant now() override { return now_; }
  void advance(Duration span) { now_ = now_ + span; }

 private:
  Instant now_{1'000'000'000};
};

}  // namespace millrace

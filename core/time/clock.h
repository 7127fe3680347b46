// Where time comes from. Only the reactor reads it, once a turn; everything below is given `now`.
#pragma once

#include <cstdint>

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

// The calendar, as tokens count it: seconds since 1970 (RFC 7519, NumericDate). It may jump.
class CalendarClock {
 public:
  virtual ~CalendarClock() = default;
  [[nodiscard]] virtual std::int64_t seconds() = 0;
};

// CLOCK_REALTIME (clock_gettime(2)).
class SystemCalendar final : public CalendarClock {
 public:
  [[nodiscard]] std::int64_t seconds() override;
};

// A clock that moves when a test says so.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant now() override { return now_; }
  void advance(Duration span) { now_ = now_ + span; }

 private:
  Instant now_{1'000'000'000};
};

class ManualCalendar final : public CalendarClock {
 public:
  [[nodiscard]] std::int64_t seconds() override { return seconds_; }
  void set(std::int64_t seconds) { seconds_ = seconds; }

 private:
  std::int64_t seconds_ = 1'700'000'000;
};

}  // namespace millrace

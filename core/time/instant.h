// Points in time and spans of it, in nanoseconds. There is no clock here: time is an argument.
//
// An Instant counts from an arbitrary start (the monotonic clock's) and never goes back. It has
// nothing to do with the calendar.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace millrace {

struct Duration {
  std::int64_t ns = 0;
  auto operator<=>(const Duration&) const = default;
  [[nodiscard]] constexpr std::int64_t to_ms() const { return ns / 1'000'000; }
  [[nodiscard]] constexpr std::int64_t to_seconds() const { return ns / 1'000'000'000; }
};

constexpr Duration nanoseconds(std::int64_t n) { return Duration{n}; }
constexpr Duration microseconds(std::int64_t n) { return Duration{n * 1'000}; }
constexpr Duration milliseconds(std::int64_t n) { return Duration{n * 1'000'000}; }
constexpr Duration seconds(std::int64_t n) { return Duration{n * 1'000'000'000}; }

struct Instant {
  std::int64_t ns = 0;
  auto operator<=>(const Instant&) const = default;
  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }
};

constexpr Instant operator+(Instant at, Duration span) { return Instant{at.ns + span.ns}; }
constexpr Instant operator-(Instant at, Duration span) { return Instant{at.ns - span.ns}; }
constexpr Duration operator-(Instant a, Instant b) { return Duration{a.ns - b.ns}; }
constexpr Duration operator+(Duration a, Duration b) { return Duration{a.ns + b.ns}; }
constexpr Duration operator-(Duration a, Duration b) { return Duration{a.ns - b.ns}; }
constexpr Duration operator*(Duration a, std::int64_t n) { return Duration{a.ns * n}; }
constexpr Duration operator/(Duration a, std::int64_t n) { return Duration{a.ns / n}; }

}  // namespace millrace

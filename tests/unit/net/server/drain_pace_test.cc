#include "net/server/drain_pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace millrace {
namespace {

constexpr Instant kStart{5'000'000'000};

Instant at(Duration span) { return kStart + span; }

// How many are told in each second, asked every 20 ms.
std::vector<std::size_t> by_second(DrainPace& pace, Duration until) {
  std::vector<std::size_t> counts(static_cast<std::size_t>(until.to_seconds()) + 1);
  for (Duration t{}; t <= until; t = t + milliseconds(20)) {
    counts[static_cast<std::size_t>(t.to_seconds())] += pace.due(at(t));
  }
  return counts;
}

TEST(DrainPace, SpreadsEvenly) {
  DrainPace pace(50'000, kStart, at(seconds(20)));
  const auto counts = by_second(pace, milliseconds(19'980));
  ASSERT_EQ(counts.size(), 20U);
  for (const std::size_t count : counts) {
    EXPECT_GE(count, 2'400U);
    EXPECT_LE(count, 2'600U);
  }
  // The last ones' time comes between two questions.
  EXPECT_LE(pace.left(), 50U);
  EXPECT_EQ(
      pace.due(at(seconds(20))), 50'000U - [&] {
        std::size_t sum = 0;
        for (const std::size_t count : counts) sum += count;
        return sum;
      }());
  EXPECT_EQ(pace.left(), 0U);
}

TEST(DrainPace, AFewAreSpreadToo) {
  DrainPace pace(4, kStart, at(seconds(4)));
  EXPECT_EQ(pace.due(kStart), 1U) << "the first goes at once";
  EXPECT_EQ(pace.due(at(milliseconds(990))), 0U);
  EXPECT_EQ(pace.due(at(milliseconds(1'000))), 1U);
  EXPECT_EQ(pace.due(at(milliseconds(1'010))), 0U);
  EXPECT_EQ(pace.left(), 2U);
}

TEST(DrainPace, OneGoesAtOnceAndNoneNever) {
  DrainPace one(1, kStart, at(seconds(9)));
  EXPECT_EQ(one.due(kStart), 1U);
  DrainPace none(0, kStart, at(seconds(9)));
  EXPECT_EQ(none.due(kStart), 0U);
  EXPECT_EQ(none.due(at(seconds(10))), 0U);
  DrainPace empty;
  EXPECT_EQ(empty.due(kStart), 0U);
}

// A second in which nobody asked: kLate of it is caught up with, and the rest is spread anew.
TEST(DrainPace, WhoAsksLateCausesNoBurst) {
  DrainPace pace(10'000, kStart, at(seconds(10)));
  for (Duration t{}; t < seconds(2); t = t + milliseconds(20)) static_cast<void>(pace.due(at(t)));
  const std::size_t at_once = pace.due(at(seconds(3) - milliseconds(20)));
  EXPECT_GE(at_once, 290U);
  EXPECT_LE(at_once, 360U);
  const std::size_t left = pace.left();
  std::size_t most = 0;
  for (Duration t = seconds(3); t < seconds(10); t = t + milliseconds(20)) {
    most = std::max(most, pace.due(at(t)));
  }
  const auto even = left / (7'000 / 20);
  EXPECT_LE(most, even + 2);
  EXPECT_GE(most, even);
  static_cast<void>(pace.due(at(seconds(10))));
  EXPECT_EQ(pace.left(), 0U);
}

// What is late by less than timers are is caught up with.
TEST(DrainPace, ATimersDelayCostsNothing) {
  DrainPace pace(1'000, kStart, at(seconds(10)));
  static_cast<void>(pace.due(kStart));
  EXPECT_EQ(pace.due(at(DrainPace::kLate)), 30U);
  EXPECT_EQ(pace.due(at(DrainPace::kLate * 2)), 30U);
}

// A shard whose turns are long on a busy machine tells all the same, and leaves few for the end.
TEST(DrainPace, WhoIsAlwaysLateGetsThrough) {
  DrainPace pace(10'000, kStart, at(seconds(10)));
  for (Duration t{}; t < seconds(10); t = t + milliseconds(400)) static_cast<void>(pace.due(at(t)));
  EXPECT_LT(pace.left(), 2'000U);
}

TEST(DrainPace, WhoComesLateGoesLast) {
  DrainPace pace(2, kStart, at(seconds(2)));
  EXPECT_EQ(pace.due(kStart), 1U);
  pace.add();
  EXPECT_EQ(pace.left(), 2U);
  EXPECT_EQ(pace.due(at(seconds(1))), 1U);
  EXPECT_EQ(pace.due(at(milliseconds(1'990))), 0U);
  EXPECT_EQ(pace.due(at(seconds(2))), 1U);
}

TEST(DrainPace, AHurryAndTheEndTakeAll) {
  DrainPace pace(1'000, kStart, at(seconds(10)));
  static_cast<void>(pace.due(kStart));
  pace.hurry();
  EXPECT_EQ(pace.due(at(milliseconds(1))), 999U);
  DrainPace no_time(7, kStart, kStart);
  EXPECT_EQ(no_time.due(kStart), 7U);
  DrainPace past(7, kStart, kStart - seconds(1));
  EXPECT_EQ(past.due(kStart), 7U);
}

// More connections than nanoseconds between them would be a division to zero.
TEST(DrainPace, ManyInNoTime) {
  DrainPace pace(10'000'000, kStart, at(milliseconds(1)));
  EXPECT_EQ(pace.due(kStart), 10'000'000U);
}

}  // namespace
}  // namespace millrace

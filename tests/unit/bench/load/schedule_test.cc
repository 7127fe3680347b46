#include "bench/load/schedule.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

constexpr Instant kStart{5'000'000'000};

TEST(Schedule, TheFirstIsDueAtTheStartAndNoneBefore) {
  const Schedule schedule(kStart, 10);
  EXPECT_EQ(schedule.due(kStart - nanoseconds(1)), 0U);
  EXPECT_EQ(schedule.due(kStart), 1U);
  EXPECT_EQ(schedule.due(kStart + milliseconds(100) - nanoseconds(1)), 1U);
  EXPECT_EQ(schedule.due(kStart + milliseconds(100)), 2U);
}

TEST(Schedule, DueAndAtAgreeForOddRates) {
  for (const double rate : {0.3, 1.0, 3.0, 7.0, 999.0, 33'333.3, 1e6}) {
    const Schedule schedule(kStart, rate);
    for (std::uint64_t k = 0; k < 5'000; ++k) {
      ASSERT_EQ(schedule.due(schedule.at(k)), k + 1) << rate << ' ' << k;
      ASSERT_EQ(schedule.due(schedule.at(k) - nanoseconds(1)), k) << rate << ' ' << k;
    }
  }
}

TEST(Schedule, ItDoesNotDriftInAnHour) {
  const Schedule schedule(kStart, 3);
  EXPECT_LE((schedule.at(3 * 3'600) - (kStart + seconds(3'600))).ns, 1);
  EXPECT_GE((schedule.at(3 * 3'600) - (kStart + seconds(3'600))).ns, -1);
}

// Whoever wakes late finds all that was due, each with its own time.
TEST(Schedule, WhatIsLateKeepsItsTime) {
  const Schedule schedule(kStart, 100);
  EXPECT_EQ(schedule.due(kStart + seconds(2)), 201U);
  EXPECT_EQ(schedule.at(0), kStart);
  EXPECT_EQ(schedule.at(200), kStart + seconds(2));
}

}  // namespace
}  // namespace millrace::load

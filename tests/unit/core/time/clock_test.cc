#include "core/time/clock.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Clock, NeverGoesBackAndDoesNotStandStill) {
  MonotonicClock clock;
  const Instant first = clock.now();
  Instant last = first;
  for (int i = 0; i < 1'000'000 && last == first; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(last, first);
}

TEST(Clock, TheCalendarCountsSecondsSince1970) {
  SystemCalendar calendar;
  const std::int64_t first = calendar.seconds();
  EXPECT_GT(first, 1'700'000'000) << "2023; milliseconds would be far beyond";
  EXPECT_LT(first, 4'102'444'800) << "2100";
  EXPECT_LE(calendar.seconds() - first, 60);
}

TEST(Clock, AClockOfATestMovesWhenItIsTold) {
  ManualClock clock;
  const Instant first = clock.now();
  EXPECT_EQ(clock.now(), first);
  clock.advance(milliseconds(5));
  EXPECT_EQ(clock.now() - first, milliseconds(5));
  ManualCalendar calendar;
  calendar.set(42);
  EXPECT_EQ(calendar.seconds(), 42);
}

}  // namespace
}  // namespace millrace

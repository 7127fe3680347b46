#include "core/limit/log_limiter.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr Instant kStart{0};

TEST(LogLimiter, LinesAnInterval) {
  LogLimiter limiter(3, seconds(10));
  EXPECT_TRUE(limiter.allow(kStart));
  EXPECT_TRUE(limiter.allow(kStart));
  EXPECT_TRUE(limiter.allow(kStart + seconds(9)));
  EXPECT_FALSE(limiter.allow(kStart + seconds(9)));
  EXPECT_FALSE(limiter.allow(kStart + seconds(10) - nanoseconds(1)));
  EXPECT_TRUE(limiter.allow(kStart + seconds(10)));
  EXPECT_TRUE(limiter.allow(kStart + seconds(10)));
  EXPECT_TRUE(limiter.allow(kStart + seconds(10)));
  EXPECT_FALSE(limiter.allow(kStart + seconds(10)));
}

TEST(LogLimiter, CountsWhatItSuppressed) {
  LogLimiter limiter(1, seconds(1));
  EXPECT_TRUE(limiter.allow(kStart));
  EXPECT_EQ(limiter.suppressed_note(), "");
  for (int i = 0; i < 12; ++i) EXPECT_FALSE(limiter.allow(kStart));
  EXPECT_TRUE(limiter.allow(kStart + seconds(5)));
  EXPECT_EQ(limiter.suppressed_note(), " (12 more were not logged)");
  EXPECT_EQ(limiter.take_suppressed(), 0U);
  EXPECT_FALSE(limiter.allow(kStart + seconds(5)));
  EXPECT_EQ(limiter.take_suppressed(), 1U);
  EXPECT_EQ(limiter.suppressed_note(), "");
}

// An interval begins with a line, not on a grid: the first line of a server comes at any instant.
TEST(LogLimiter, TheFirstLineBeginsAnInterval) {
  for (const Instant first : {Instant{-7}, Instant{0}, Instant{12'345}}) {
    LogLimiter limiter(1, seconds(1));
    EXPECT_TRUE(limiter.allow(first));
    EXPECT_FALSE(limiter.allow(first + seconds(1) - nanoseconds(1)));
    EXPECT_TRUE(limiter.allow(first + seconds(1)));
  }
}

TEST(LogLimiterDeathTest, MisuseIsCaught) {
  EXPECT_DEATH(LogLimiter(0, seconds(1)), "CHECK failed");
  EXPECT_DEATH(LogLimiter(1, Duration{}), "CHECK failed");
}

}  // namespace
}  // namespace millrace

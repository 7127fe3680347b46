#include "net/server/drain_log.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr Instant kStart{7'000'000'000};

TEST(DrainLog, TellsAtOnceAndThenOnceASecond) {
  DrainLog log;
  EXPECT_EQ(log.line(kStart, 1, milliseconds(20'500)), "draining 1 connection over 20500 ms");
  EXPECT_EQ(log.line(kStart + milliseconds(950), 9, seconds(20)), std::nullopt);
  EXPECT_EQ(log.line(kStart + milliseconds(1'010), 9, seconds(20)),
            "draining for 1 s: 9 connections left");
  EXPECT_EQ(log.line(kStart + milliseconds(1'990), 8, seconds(20)), std::nullopt);
  EXPECT_EQ(log.line(kStart + milliseconds(2'000), 7, seconds(20)),
            "draining for 2 s: 7 connections left");
}

TEST(DrainLog, WhoLooksLateGetsOneLine) {
  DrainLog log;
  static_cast<void>(log.line(kStart, 5, seconds(20)));
  EXPECT_EQ(log.line(kStart + milliseconds(4'300), 5, seconds(20)),
            "draining for 4 s: 5 connections left");
  EXPECT_EQ(log.line(kStart + milliseconds(4'900), 5, seconds(20)), std::nullopt);
  EXPECT_NE(log.line(kStart + milliseconds(5'000), 5, seconds(20)), std::nullopt);
}

}  // namespace
}  // namespace millrace

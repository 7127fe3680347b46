#include "bench/load/backoff.h"

#include <gtest/gtest.h>

#include <array>

namespace millrace::load {
namespace {

TEST(Backoff, TheBoundDoublesAndStops) {
  const Backoff backoff{milliseconds(500), seconds(20)};
  EXPECT_EQ(backoff.bound(0), milliseconds(500));
  EXPECT_EQ(backoff.bound(1), seconds(1));
  EXPECT_EQ(backoff.bound(5), seconds(16));
  EXPECT_EQ(backoff.bound(6), seconds(20));
  EXPECT_EQ(backoff.bound(255), seconds(20));
}

TEST(Backoff, AFirstBoundAboveTheLastIsTheLast) {
  const Backoff backoff{seconds(5), seconds(1)};
  EXPECT_EQ(backoff.bound(0), seconds(1));
}

// Full jitter: every tenth of the span gets about a tenth of the waits.
TEST(Backoff, WaitsAreSpreadEvenlyOverTheWholeSpan) {
  const Backoff backoff{milliseconds(1'000), seconds(20)};
  Random random(3);
  std::array<int, 10> tenths{};
  constexpr int kWaits = 100'000;
  for (int i = 0; i < kWaits; ++i) {
    const Duration wait = backoff.wait(0, random);
    ASSERT_GE(wait.ns, 0);
    ASSERT_LE(wait, milliseconds(1'000));
    ++tenths[static_cast<std::size_t>(std::min<std::int64_t>(wait.to_ms() / 100, 9))];
  }
  // Six standard deviations of a binomial distribution: 6 * sqrt(100000 * 0.1 * 0.9) = 569.
  for (const int count : tenths) EXPECT_NEAR(count, kWaits / 10, 569);
}

TEST(Backoff, LaterWaitsUseTheWiderSpan) {
  const Backoff backoff{milliseconds(100), seconds(20)};
  Random random(3);
  Duration longest{};
  for (int i = 0; i < 1'000; ++i) longest = std::max(longest, backoff.wait(4, random));
  EXPECT_GT(longest, milliseconds(1'200));
  EXPECT_LE(longest, milliseconds(1'600));
}

}  // namespace
}  // namespace millrace::load

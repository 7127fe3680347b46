#include "core/limit/token_bucket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>

namespace millrace {
namespace {

constexpr Instant kStart{5'000'000'000};

TEST(TokenBucket, BeginsFullAndBurstIsTheLimit) {
  TokenBucket bucket({.tokens = 10, .per = seconds(1), .burst = 5}, kStart);
  EXPECT_EQ(bucket.available(kStart), 5U);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(bucket.take(kStart)) << i;
  EXPECT_FALSE(bucket.take(kStart));
  EXPECT_EQ(bucket.available(kStart), 0U);
}

TEST(TokenBucket, AllOrNothing) {
  TokenBucket bucket({.tokens = 10, .per = seconds(1), .burst = 5}, kStart);
  EXPECT_FALSE(bucket.take(kStart, 6));
  EXPECT_FALSE(bucket.take(kStart, std::numeric_limits<std::uint32_t>::max()));
  EXPECT_TRUE(bucket.take(kStart, 4));
  EXPECT_FALSE(bucket.take(kStart, 2));
  EXPECT_TRUE(bucket.take(kStart, 1));
  EXPECT_TRUE(bucket.take(kStart, 0));
}

TEST(TokenBucket, ATokenComesExactlyWhenItIsDue) {
  // 50 in 20 s: one in 400 ms.
  TokenBucket bucket({.tokens = 50, .per = seconds(20), .burst = 1}, kStart);
  Instant now = kStart;
  EXPECT_TRUE(bucket.take(now));
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(bucket.take(now + milliseconds(400) - nanoseconds(1)));
    now = now + milliseconds(400);
    EXPECT_TRUE(bucket.take(now));
  }
}

// Two in three nanoseconds: after one, two thirds of a token are there, and that is none.
TEST(TokenBucket, PartsOfATokenAreNoToken) {
  TokenBucket bucket({.tokens = 2, .per = nanoseconds(3), .burst = 1}, kStart);
  EXPECT_TRUE(bucket.take(kStart));
  EXPECT_FALSE(bucket.take(kStart + nanoseconds(1)));
  EXPECT_TRUE(bucket.take(kStart + nanoseconds(2)));
}

// Asking often must not lose the parts of a token that came meanwhile: 3 in 10 ns over a million
// single nanoseconds, with a burst that is never reached again.
TEST(TokenBucket, NothingIsLostByRounding) {
  TokenBucket bucket({.tokens = 3, .per = nanoseconds(10), .burst = 2}, kStart);
  std::uint64_t taken = 0;
  for (int i = 0; i <= 1'000'000; ++i) {
    while (bucket.take(kStart + nanoseconds(i))) ++taken;
  }
  EXPECT_EQ(taken, 2U + 300'000U);
}

TEST(TokenBucket, SavesUpNoMoreThanTheBurst) {
  TokenBucket bucket({.tokens = 10, .per = seconds(1), .burst = 5}, kStart);
  EXPECT_TRUE(bucket.take(kStart, 5));
  EXPECT_EQ(bucket.available(kStart + milliseconds(400)), 4U);
  EXPECT_EQ(bucket.available(kStart + milliseconds(500)), 5U);
  EXPECT_EQ(bucket.available(kStart + seconds(3'600)), 5U);
  EXPECT_TRUE(bucket.take(kStart + seconds(3'600), 5));
  EXPECT_FALSE(bucket.take(kStart + seconds(3'600)));
}

TEST(TokenBucket, AClockThatGoesBackGivesNothing) {
  TokenBucket bucket({.tokens = 1, .per = seconds(1), .burst = 1}, kStart);
  EXPECT_TRUE(bucket.take(kStart));
  EXPECT_FALSE(bucket.take(kStart - seconds(100)));
  EXPECT_FALSE(bucket.take(kStart));
  EXPECT_TRUE(bucket.take(kStart + seconds(1)));
}

TEST(TokenBucket, ExtremesDoNotOverflow) {
  constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();
  const TokenRate fast{.tokens = kMax, .per = nanoseconds(1), .burst = kMax};
  ASSERT_TRUE(fast.valid());
  TokenBucket bucket(fast, Instant{std::numeric_limits<std::int64_t>::min()});
  EXPECT_TRUE(bucket.take(Instant{std::numeric_limits<std::int64_t>::min()}, kMax));
  EXPECT_EQ(bucket.available(Instant::never()), kMax);
  const TokenRate slow{.tokens = 1, .per = Instant::never() - Instant{}, .burst = 1};
  ASSERT_TRUE(slow.valid());
  TokenBucket rare(slow, Instant{});
  EXPECT_TRUE(rare.take(Instant{}));
  EXPECT_FALSE(rare.take(Instant{Instant::never().ns - 1}));
  EXPECT_TRUE(rare.take(Instant::never()));
}

TEST(TokenRate, ValidLimits) {
  EXPECT_TRUE(TokenRate{}.valid());
  EXPECT_FALSE((TokenRate{.tokens = 0}.valid()));
  EXPECT_FALSE((TokenRate{.burst = 0}.valid()));
  EXPECT_FALSE((TokenRate{.per = Duration{}}.valid()));
  EXPECT_FALSE((TokenRate{.per = nanoseconds(-1)}.valid()));
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() / 1'000;
  EXPECT_TRUE((TokenRate{.per = nanoseconds(most - 1), .burst = 1'000}.valid()));
  EXPECT_TRUE((TokenRate{.per = nanoseconds(most), .burst = 1'000}.valid()));
  EXPECT_FALSE((TokenRate{.per = nanoseconds(most + 1), .burst = 1'000}.valid()));
}

TEST(TokenBucket, TellsWhenTheNextTokenComes) {
  TokenBucket bucket({.tokens = 3, .per = seconds(1), .burst = 2}, kStart);
  EXPECT_EQ(bucket.next(kStart), Instant::never()) << "it is full";
  EXPECT_TRUE(bucket.take(kStart, 2));
  const Instant first = bucket.next(kStart);
  EXPECT_EQ(first - kStart, nanoseconds(333'333'334));
  EXPECT_EQ(bucket.available(first - nanoseconds(1)), 0U);
  EXPECT_EQ(bucket.next(first - nanoseconds(1)), first);
  EXPECT_EQ(bucket.available(first), 1U);
  // What was left of the last nanosecond counts.
  const Instant second = bucket.next(first);
  EXPECT_EQ(second - kStart, nanoseconds(666'666'667));
  EXPECT_EQ(bucket.available(second - nanoseconds(1)), 1U);
  EXPECT_EQ(bucket.available(second), 2U);
  EXPECT_EQ(bucket.next(second), Instant::never());
}

// Over any span: never more than the burst and what came, and never less than what came.
TEST(TokenBucket, RandomUseStaysWithinTheRate) {
  std::mt19937_64 random(17);
  for (int round = 0; round < 50; ++round) {
    const TokenRate rate{.tokens = static_cast<std::uint32_t>(1 + random() % 100),
                         .per = milliseconds(static_cast<std::int64_t>(1 + random() % 5'000)),
                         .burst = static_cast<std::uint32_t>(1 + random() % 50)};
    TokenBucket bucket(rate, kStart);
    Instant now = kStart;
    std::int64_t taken = 0;
    for (int i = 0; i < 5'000; ++i) {
      now = now + nanoseconds(static_cast<std::int64_t>(random() % 10'000'000));
      while (bucket.take(now)) ++taken;  // a greedy user
    }
    const std::int64_t came = (now - kStart).ns / 1'000 * rate.tokens / (rate.per.ns / 1'000);
    EXPECT_LE(taken, came + rate.burst + 1);
    // Nothing is saved up past the burst, so a step longer than that loses its rest.
    const std::int64_t step_tokens = 10'000'000 * rate.tokens / rate.per.ns + 1;
    if (step_tokens >= rate.burst) continue;
    EXPECT_GE(taken, came);
  }
}

TEST(TokenBucketDeathTest, AnInvalidRateIsCaught) {
  EXPECT_DEATH(TokenBucket(TokenRate{.tokens = 0}, kStart), "CHECK failed: rate.valid");
}

}  // namespace
}  // namespace millrace

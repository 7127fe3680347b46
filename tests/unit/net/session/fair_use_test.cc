#include "net/session/fair_use.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/base/random.h"

namespace millrace {
namespace {

using Verdict = FairUse::Verdict;

Instant at(Duration since) { return Instant{1'000'000'000} + since; }

// How many of `asked` commands at once are allowed before the first is not.
std::uint32_t allowed(FairUse& use, const FairUseLimits& limits, std::uint32_t asked, Instant now) {
  std::uint32_t count = 0;
  while (count < asked && use.on_command(limits, now) == Verdict::kAllowed) ++count;
  return count;
}

TEST(FairUse, AllowsABurstAndThenTheRate) {
  const FairUseLimits limits{.commands_per_second = 10, .commands_burst = 5};
  FairUse use(limits, at({}));
  EXPECT_EQ(allowed(use, limits, 100, at({})), 5U);
  EXPECT_EQ(use.on_command(limits, at(milliseconds(99))), Verdict::kTooMany);
  EXPECT_EQ(allowed(use, limits, 100, at(milliseconds(100))), 1U);
  EXPECT_EQ(allowed(use, limits, 100, at(milliseconds(300))), 2U);
  EXPECT_EQ(allowed(use, limits, 100, at(seconds(10))), 5U) << "no more is saved up than a burst";
}

// Against a plain account of what may be: no rounding adds up, whatever the rate.
TEST(FairUse, IsExactOverTime) {
  for (const std::uint32_t rate : {1U, 3U, 7U, 500U, 999'983U, FairUse::kMostCommands}) {
    const FairUseLimits limits{.commands_per_second = rate, .commands_burst = 4};
    FairUse use(limits, at({}));
    Random random(rate);
    Instant now = at({});
    std::uint64_t total = 0;
    // Often enough that the bucket never fills.
    const std::int64_t step = seconds(2).ns / rate;
    while (now < at(nanoseconds(step * 2'000))) {
      now = now + nanoseconds(static_cast<std::int64_t>(
                      random.below(static_cast<std::uint64_t>(step)) + 1));
      total += allowed(use, limits, 100, now);
    }
    const std::uint64_t most =
        4 + static_cast<std::uint64_t>(static_cast<double>((now - at({})).ns) / 1e9 * rate);
    EXPECT_LE(total, most + 1) << rate;
    EXPECT_GE(total + 1, most) << rate;
  }
}

TEST(FairUse, HasABurstToItsLastCommand) {
  for (const std::uint32_t burst : {1U, 2'000U, FairUse::kMostCommands}) {
    const FairUseLimits limits{.commands_per_second = 1, .commands_burst = burst};
    FairUse use(limits, at({}));
    EXPECT_EQ(allowed(use, limits, burst + 10, at({})), burst);
  }
}

TEST(FairUse, ClosesAFlood) {
  const FairUseLimits limits{.commands_per_second = 1, .commands_burst = 1};
  FairUse use(limits, at({}));
  EXPECT_EQ(use.on_command(limits, at({})), Verdict::kAllowed);
  for (std::uint32_t i = 0; i < FairUse::kMostRefused; ++i) {
    ASSERT_EQ(use.on_command(limits, at({})), Verdict::kTooMany) << i;
  }
  EXPECT_EQ(use.on_command(limits, at({})), Verdict::kFlood);
  EXPECT_EQ(use.on_command(limits, at({})), Verdict::kFlood);
}

// At up to twice the rate half are refused, and nobody is closed for it; at three times one is.
TEST(FairUse, BearsTwiceTheRateForEver) {
  const FairUseLimits limits{.commands_per_second = 10, .commands_burst = 5};
  const auto floods = [&limits](std::int64_t times) {
    FairUse use(limits, at({}));
    for (std::int64_t i = 0; i < 20'000; ++i) {
      const Instant now = at(milliseconds(100) * i / times);
      if (use.on_command(limits, now) == Verdict::kFlood) return true;
    }
    return false;
  };
  EXPECT_FALSE(floods(1));
  EXPECT_FALSE(floods(2));
  EXPECT_TRUE(floods(3));
}

// What SDKs do when they come back: connect, all channels, and questions about each.
TEST(FairUse, LetsAnHonestClientComeBackAgainAndAgain) {
  const FairUseLimits limits{.commands_per_second = 500, .commands_burst = 2'000, .errors = 1'000};
  FairUse use(limits, at({}));
  for (std::int64_t minute = 0; minute < 300; minute += 5) {
    const Instant now = at(seconds(60 * minute));
    EXPECT_EQ(allowed(use, limits, 1 + 128 * 4, now), 1U + 128 * 4);
    for (int i = 0; i < 128; ++i) EXPECT_TRUE(use.on_error(limits, now)) << "all tokens expired";
  }
}

TEST(FairUse, LimitsNothingThatIsZero) {
  const FairUseLimits limits{.commands_per_second = 0, .commands_burst = 1, .errors = 0};
  FairUse use(limits, at({}));
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(use.on_command(limits, at({})), Verdict::kAllowed);
    ASSERT_TRUE(use.on_error(limits, at({})));
  }
}

TEST(FairUse, CountsErrorsAndForgivesOneASecond) {
  const FairUseLimits limits{.commands_per_second = 0, .commands_burst = 1, .errors = 3};
  FairUse use(limits, at({}));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(use.on_error(limits, at({})));
  EXPECT_FALSE(use.on_error(limits, at({})));
  EXPECT_FALSE(use.on_error(limits, at(milliseconds(999))));
  EXPECT_TRUE(use.on_error(limits, at(milliseconds(1'000))));
  EXPECT_FALSE(use.on_error(limits, at(milliseconds(1'000))));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(use.on_error(limits, at(seconds(60)))) << i;
  EXPECT_FALSE(use.on_error(limits, at(seconds(60)))) << "no more than three are ever forgiven";
}

TEST(FairUse, KeepsCommandsAndErrorsApart) {
  const FairUseLimits limits{.commands_per_second = 1, .commands_burst = 1, .errors = 1};
  FairUse use(limits, at({}));
  EXPECT_TRUE(use.on_error(limits, at({})));
  EXPECT_EQ(use.on_command(limits, at({})), Verdict::kAllowed);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(use.on_command(limits, at({})), Verdict::kTooMany);
  EXPECT_FALSE(use.on_error(limits, at({})));
  EXPECT_TRUE(use.on_error(limits, at(seconds(1)))) << "refused commands are no errors";
}

// The clocks wrap; around the wrap nothing is lost and nothing is given.
TEST(FairUse, SurvivesTheWrapOfItsClocks) {
  const FairUseLimits limits{
      .commands_per_second = FairUse::kMostCommands, .commands_burst = 10, .errors = 10};
  const std::int64_t command_wrap = (std::int64_t{1} << 32) * (seconds(1).ns / 1'000'000);
  const std::int64_t error_wrap = (std::int64_t{1} << 24) * seconds(1).ns;
  for (const std::int64_t wrap : {command_wrap, error_wrap}) {
    for (std::int64_t before = -2'000; before <= 2'000; before += 500) {
      const Instant start{wrap + before};
      FairUse use(limits, start);
      EXPECT_EQ(allowed(use, limits, 100, start), 10U) << before;
      EXPECT_EQ(allowed(use, limits, 100, start + microseconds(3)), 3U) << before;
      for (int i = 0; i < 10; ++i) EXPECT_TRUE(use.on_error(limits, start));
      EXPECT_FALSE(use.on_error(limits, start));
    }
  }
}

// Quiet for as long as the clock takes round: a fresh budget but for one tick of 2^32.
TEST(FairUse, IsFullAfterALongQuiet) {
  const FairUseLimits limits{.commands_per_second = 1'000, .commands_burst = 10};
  for (const std::int64_t days : {1, 10, 24, 25, 40, 60, 400}) {
    FairUse use(limits, at({}));
    EXPECT_EQ(allowed(use, limits, 100, at({})), 10U);
    EXPECT_EQ(allowed(use, limits, 100, at(seconds(days * 86'400))), 10U) << days;
  }
}

TEST(FairUse, RefusesLimitsThatItCanNotHold) {
  const auto use = [](const FairUseLimits& limits) { FairUse made(limits, at({})); };
  EXPECT_DEATH(use({.commands_burst = 0}), "commands_burst");
  EXPECT_DEATH(use({.commands_burst = FairUse::kMostCommands + 1}), "commands_burst");
  EXPECT_DEATH(use({.commands_per_second = FairUse::kMostCommands + 1}), "commands_per_second");
  EXPECT_DEATH(use({.errors = FairUse::kMostErrors + 1}), "errors");
}

// --- Users ---------------------------------------------------------------------------------------

TEST(UserSeat, CountsConnectionsOfAUser) {
  KeyedQuota quota(2, 100);
  UserSeat a;
  UserSeat b;
  UserSeat c;
  UserSeat other;
  EXPECT_TRUE(a.take(&quota, "42"));
  EXPECT_TRUE(b.take(&quota, "42"));
  EXPECT_FALSE(c.take(&quota, "42"));
  EXPECT_FALSE(c.taken());
  EXPECT_TRUE(other.take(&quota, "43"));
  a.give_back(&quota);
  EXPECT_TRUE(c.take(&quota, "42"));
  for (UserSeat* seat : {&a, &b, &c, &other}) seat->give_back(&quota);
  EXPECT_EQ(quota.cells_used(), 0U);
}

TEST(UserSeat, IsNotNeededByNobody) {
  KeyedQuota quota(1, 100);
  std::vector<UserSeat> seats(10);
  for (UserSeat& seat : seats) {
    EXPECT_TRUE(seat.take(&quota, ""));
    EXPECT_FALSE(seat.taken());
    seat.give_back(&quota);
  }
  EXPECT_EQ(quota.cells_used(), 0U);
}

TEST(UserSeat, IsFreeWithoutAQuota) {
  UserSeat seat;
  EXPECT_TRUE(seat.take(nullptr, "42"));
  EXPECT_FALSE(seat.taken());
  seat.give_back(nullptr);
}

TEST(UserSeat, IsGivenBackOnce) {
  KeyedQuota quota(1, 100);
  UserSeat seat;
  EXPECT_TRUE(seat.take(&quota, "42"));
  EXPECT_DEATH(static_cast<void>(seat.take(&quota, "42")), "taken");
  seat.give_back(&quota);
  seat.give_back(&quota);
  EXPECT_EQ(quota.cells_used(), 0U);
  EXPECT_DEATH(
      {
        UserSeat lost;
        static_cast<void>(lost.take(&quota, "42"));
      },
      "taken");
}

}  // namespace
}  // namespace millrace

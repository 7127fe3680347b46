#include "core/base/random.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <set>

#include "tests/support/seccomp.h"

namespace millrace {
namespace {

// From the reference implementations (prng.di.unimi.it) of splitmix64 and xoshiro256**, seed 0.
TEST(Random, IsTheGeneratorItSaysItIs) {
  Random random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4U);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452aU);
}

TEST(Random, ASeedGivesOneSequence) {
  Random a(42), b(42), c(43);
  bool differs = false;
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t value = a.next();
    ASSERT_EQ(value, b.next());
    differs = differs || value != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Random, StaysBelowItsBoundAndReachesAllOfIt) {
  Random random(7);
  std::array<int, 10> seen{};
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t value = random.below(10);
    ASSERT_LT(value, 10U);
    ++seen[value];
  }
  for (const int count : seen) {
    EXPECT_GT(count, 9'500);
    EXPECT_LT(count, 10'500);
  }
  EXPECT_EQ(random.below(1), 0U);
}

TEST(RandomDeathTest, WithoutTheKernelsGeneratorTheCauseIsSaid) {
  const auto draw = [] {
    refuse_on_this_thread({.number = SYS_getrandom, .error = EPERM});
    static_cast<void>(random_seed());
  };
  EXPECT_EXIT(draw(), testing::ExitedWithCode(71),
              "^millrace: no random numbers from getrandom [^\n]+SystemCallFilter[^\n]+\n$");
}

TEST(Random, SeedsDiffer) {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 100; ++i) seeds.insert(random_seed());
  EXPECT_EQ(seeds.size(), 100U);
}

}  // namespace
}  // namespace millrace

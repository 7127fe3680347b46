#include "core/limit/quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <random>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace millrace {
namespace {

static_assert(!std::is_copy_constructible_v<Units> && !std::is_copy_assignable_v<Units>);
static_assert(std::is_nothrow_move_constructible_v<Units>);

TEST(Quota, Limits) {
  for (const std::uint64_t limit : {0U, 1U, 2U, 100U}) {
    Quota quota(limit);
    std::vector<Units> held;
    for (std::uint64_t i = 0; i < limit; ++i) {
      EXPECT_EQ(quota.taken(), i);
      held.push_back(quota.try_take());
      ASSERT_TRUE(held.back()) << i << " of " << limit;
    }
    EXPECT_FALSE(quota.try_take());
    EXPECT_EQ(quota.taken(), limit);
    EXPECT_EQ(quota.limit(), limit);
    if (held.empty()) continue;
    held.pop_back();
    EXPECT_EQ(quota.taken(), limit - 1);
    const Units again = quota.try_take();
    EXPECT_TRUE(again);
    EXPECT_FALSE(quota.try_take());
  }
}

TEST(Quota, ManyAtOnceAllOrNothing) {
  Quota quota(10);
  for (const std::uint64_t n : {9U, 10U}) {
    const Units units = quota.try_take(n);
    EXPECT_TRUE(units);
    EXPECT_EQ(units.count(), n);
    EXPECT_EQ(quota.taken(), n);
    EXPECT_FALSE(quota.try_take(11 - n));
    EXPECT_EQ(quota.taken(), n);
  }
  EXPECT_FALSE(quota.try_take(11));
  EXPECT_EQ(quota.taken(), 0U);
}

TEST(Quota, HugeNumbersDoNotWrapAround) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  Quota small(10);
  const Units some = small.try_take(5);
  EXPECT_FALSE(small.try_take(kMax));
  EXPECT_FALSE(small.try_take(kMax - 4));
  Quota all(kMax);
  const Units most = all.try_take(kMax - 1);
  EXPECT_TRUE(most);
  EXPECT_FALSE(all.try_take(2));
  EXPECT_TRUE(all.try_take(1));
}

TEST(Units, GivenBackOnceWhateverTheWay) {
  Quota quota(10);
  {
    Units first = quota.try_take(3);
    Units second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT: what is left is what is tested
    EXPECT_EQ(first.count(), 0U);
    EXPECT_TRUE(second);
    EXPECT_EQ(quota.taken(), 3U);
    second = quota.try_take(2);
    EXPECT_EQ(quota.taken(), 2U) << "what it held before is given back";
    Units& itself = second;
    second = std::move(itself);
    EXPECT_EQ(second.count(), 2U);
    EXPECT_EQ(quota.taken(), 2U);
    second.give_back();
    second.give_back();
    EXPECT_EQ(quota.taken(), 0U);
    EXPECT_FALSE(second);
  }
  EXPECT_EQ(quota.taken(), 0U);
}

TEST(Units, AddUpAndAreGivenBackInParts) {
  Quota quota(3);
  Units held;
  held.add(Units());
  EXPECT_EQ(held.count(), 0U);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    held.add(quota.try_take());
    EXPECT_EQ(held.count(), n);
    EXPECT_EQ(quota.taken(), n);
  }
  held.add(quota.try_take());  // refused
  EXPECT_EQ(held.count(), 3U);
  held.give_back(2);
  EXPECT_EQ(held.count(), 1U);
  EXPECT_EQ(quota.taken(), 1U);
  EXPECT_DEATH(held.give_back(2), "CHECK failed");
  held.give_back(1);
  EXPECT_FALSE(held);
  EXPECT_EQ(quota.taken(), 0U);
  held.give_back(0);
  Quota other(1);
  held.add(other.try_take());
  EXPECT_EQ(other.taken(), 1U) << "an empty one has no quota of its own any more";
  EXPECT_DEATH(held.add(quota.try_take()), "CHECK failed");
  held.give_back();
}

TEST(Units, EmptyOnesAreHarmless) {
  Quota quota(1);
  Units none;
  EXPECT_FALSE(none);
  none.give_back();
  none = Units();
  none = quota.try_take();
  EXPECT_TRUE(none);
}

TEST(QuotaDeathTest, MisuseIsCaught) {
  EXPECT_DEATH(
      {
        Units outlives;
        Quota quota(1);
        outlives = quota.try_take();
      },
      "CHECK failed: taken\\(\\) == 0U with 1 and 0");
  Quota quota(1);
  EXPECT_DEATH(static_cast<void>(quota.try_take(0)), "CHECK failed: n > 0U");
}

// At no moment more than the limit, and at the end all is back.
TEST(CrossThreadQuota, NeverMoreThanTheLimit) {
  constexpr std::uint64_t kLimit = 5;
  Quota quota(kLimit);
  std::atomic<std::int64_t> held{0};
  std::atomic<bool> exceeded{false};
  std::atomic<std::uint64_t> granted{0};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      for (int i = 0; i < 50'000; ++i) {
        const std::uint64_t n = 1 + random() % 3;
        Units units = quota.try_take(n);
        if (quota.taken() > kLimit) exceeded = true;
        if (!units) continue;
        ++granted;
        const auto count = static_cast<std::int64_t>(n);
        if (held.fetch_add(count) + count > static_cast<std::int64_t>(kLimit)) exceeded = true;
        if (random() % 8 == 0) std::this_thread::yield();
        held.fetch_sub(count);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_GT(granted, 1'000U);
  EXPECT_EQ(quota.taken(), 0U);
}

// With threads that only take, exactly the limit is granted: no refusal while there is room.
TEST(CrossThreadQuota, GrantsExactlyTheLimit) {
  constexpr std::uint64_t kLimit = 10'000;
  Quota quota(kLimit);
  std::vector<std::vector<Units>> held(4);
  std::vector<std::thread> threads;
  for (std::vector<Units>& mine : held) {
    threads.emplace_back([&quota, &mine] {
      while (true) {
        Units units = quota.try_take();
        if (!units) return;
        mine.push_back(std::move(units));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t total = 0;
  for (const std::vector<Units>& mine : held) total += mine.size();
  EXPECT_EQ(total, kLimit);
  EXPECT_EQ(quota.taken(), kLimit);
}

// What was held is gone before another thread has its room: a plain counter guarded by a quota of
// one is no race.
TEST(CrossThreadQuota, GivingBackHandsOver) {
  Quota quota(1);
  std::uint64_t plain = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&quota, &plain] {
      for (int done = 0; done < 20'000;) {
        const Units units = quota.try_take();
        if (!units) {
          std::this_thread::yield();
          continue;
        }
        ++plain;
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(plain, 40'000U);
}

}  // namespace
}  // namespace millrace

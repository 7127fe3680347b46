#include "core/limit/keyed_quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace millrace {
namespace {

TEST(KeyedQuota, EachKeyHasItsOwnLimit) {
  for (const std::uint32_t limit : {1U, 2U, 10U}) {
    KeyedQuota quota(limit, 100);
    for (const std::uint64_t key : {0ULL, 1ULL, ~0ULL}) {
      for (std::uint32_t i = 0; i < limit; ++i) EXPECT_TRUE(quota.try_take(key)) << i;
      EXPECT_FALSE(quota.try_take(key)) << limit;
      EXPECT_EQ(quota.taken(key), limit);
    }
    EXPECT_EQ(quota.cells_used(), 3U);
  }
}

TEST(KeyedQuota, WhatIsGivenBackCanBeTakenAgain) {
  KeyedQuota quota(2, 10);
  const auto first = quota.try_take(7);
  const auto second = quota.try_take(7);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second) << "a key has one cell";
  quota.give_back(*first);
  EXPECT_EQ(quota.taken(7), 1U);
  EXPECT_TRUE(quota.try_take(7));
  EXPECT_FALSE(quota.try_take(7));
  quota.give_back(*first);
  quota.give_back(*second);
  EXPECT_EQ(quota.taken(7), 0U);
  EXPECT_EQ(quota.cells_used(), 0U) << "a key that holds nothing takes no room";
}

TEST(KeyedQuota, HoldsAsManyKeysAsItWasMadeFor) {
  constexpr std::size_t kKeys = 20'000;
  KeyedQuota quota(1, kKeys);
  std::vector<KeyedQuota::Cell> cells;
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    const auto cell = quota.try_take(key << 32);
    ASSERT_TRUE(cell) << key;
    cells.push_back(*cell);
  }
  EXPECT_EQ(quota.cells_used(), kKeys);
  for (const KeyedQuota::Cell cell : cells) quota.give_back(cell);
  EXPECT_EQ(quota.cells_used(), 0U);
}

// Far more keys than it was made for: bounded, and what is held is still counted right.
TEST(KeyedQuota, RefusesKeysThatFindNoCell) {
  KeyedQuota quota(2, 1);
  std::vector<std::uint64_t> in;
  std::uint64_t key = 0;
  while (in.size() < 2 * KeyedQuota::kWindow && key < 100'000) {
    if (quota.try_take(++key)) in.push_back(key);
  }
  ASSERT_EQ(in.size(), 2 * KeyedQuota::kWindow) << "every cell is used in the end";
  EXPECT_FALSE(quota.try_take(key + 1));
  for (const std::uint64_t held : in) EXPECT_TRUE(quota.try_take(held));
  for (const std::uint64_t held : in) EXPECT_FALSE(quota.try_take(held));
}

TEST(KeyedQuota, BehavesAsAMapOfCounters) {
  std::mt19937_64 random(3);
  KeyedQuota quota(3, 40);
  std::map<std::uint64_t, std::vector<KeyedQuota::Cell>> model;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t key = random() % 40;
    std::vector<KeyedQuota::Cell>& held = model[key];
    if (random() % 2 == 0) {
      const auto cell = quota.try_take(key);
      ASSERT_EQ(cell.has_value(), held.size() < 3);
      if (cell) held.push_back(*cell);
    } else if (!held.empty()) {
      quota.give_back(held.back());
      held.pop_back();
    }
    ASSERT_EQ(quota.taken(key), held.size());
  }
}

TEST(KeyedQuotaDeathTest, GivingBackTooMuchIsCaught) {
  KeyedQuota quota(2, 10);
  const auto cell = quota.try_take(1);
  ASSERT_TRUE(cell);
  quota.give_back(*cell);
  EXPECT_DEATH(quota.give_back(*cell), "CHECK failed");
  EXPECT_DEATH(KeyedQuota(0, 1), "CHECK failed");
}

// --- Across threads ------------------------------------------------------------------------------

// Threads that only take: exactly the limit of each key is granted, whoever comes first.
TEST(CrossThreadKeyedQuota, GrantsExactlyTheLimitOfEachKey) {
  constexpr std::uint32_t kLimit = 7;
  constexpr std::uint64_t kKeys = 500;
  for (int round = 0; round < 5; ++round) {
    KeyedQuota quota(kLimit, kKeys);
    std::vector<std::atomic<std::uint32_t>> granted(kKeys);
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        ++ready;
        while (ready < 4) std::this_thread::yield();
        // The same order for all, so that they meet at each key.
        for (std::uint64_t key = 0; key < kKeys; ++key) {
          while (quota.try_take(key)) ++granted[key];
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      ASSERT_EQ(granted[key], kLimit) << key;
      ASSERT_EQ(quota.taken(key), kLimit);
    }
    EXPECT_EQ(quota.cells_used(), kKeys);
  }
}

// Keys come and go, so that cells change hands all the time; never more than the limit is out.
TEST(CrossThreadKeyedQuota, NeverExceedsTheLimitWhileKeysComeAndGo) {
  constexpr std::uint32_t kLimit = 2;
  constexpr std::uint64_t kKeys = 24;
  KeyedQuota quota(kLimit, kKeys);
  std::vector<std::atomic<std::uint32_t>> out(kKeys);
  std::atomic<bool> exceeded{false};
  std::atomic<std::uint64_t> granted{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t key = random() % kKeys;
        const auto cell = quota.try_take(key);
        if (!cell) continue;
        ++granted;
        if (out[key].fetch_add(1) + 1 > kLimit) exceeded = true;
        if (random() % 16 == 0) std::this_thread::yield();
        out[key].fetch_sub(1);
        quota.give_back(*cell);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_GT(granted, 1'000U);
  EXPECT_EQ(quota.cells_used(), 0U);
}

// A unit is given back by another thread than took it: a connection that moves is no problem.
TEST(CrossThreadKeyedQuota, AnyThreadGivesBack) {
  KeyedQuota quota(1'000, 4);
  std::vector<KeyedQuota::Cell> cells;
  std::thread taker([&] {
    for (int i = 0; i < 1'000; ++i) cells.push_back(quota.try_take(9).value());
  });
  taker.join();
  std::thread giver([&] {
    for (const KeyedQuota::Cell cell : cells) quota.give_back(cell);
  });
  giver.join();
  EXPECT_EQ(quota.cells_used(), 0U);
}

}  // namespace
}  // namespace millrace

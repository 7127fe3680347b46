#include "core/mem/sparse_slots.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "core/base/random.h"
#include "tests/support/allocated_bytes.h"

namespace millrace {
namespace {

using Slots = SparseSlots<std::string>;

TEST(SparseSlots, TakesTheLowestThatIsFree) {
  Slots slots;
  for (std::uint32_t i = 0; i < 200; ++i) EXPECT_EQ(slots.acquire(), i);
  slots.release(70);
  slots.release(130);
  slots.release(3);
  EXPECT_EQ(slots.size(), 197U);
  EXPECT_EQ(slots.acquire(), 3U);
  EXPECT_EQ(slots.acquire(), 70U);
  EXPECT_EQ(slots.acquire(), 130U);
  EXPECT_EQ(slots.acquire(), 200U);
}

TEST(SparseSlots, FindsWhatIsTakenAndNothingElse) {
  Slots slots;
  EXPECT_EQ(slots.find(0), nullptr);
  EXPECT_EQ(slots.find(1'000'000), nullptr);
  slots.take(1'000) = "a";
  EXPECT_EQ(*slots.find(1'000), "a");
  EXPECT_EQ(slots[1'000], "a");
  EXPECT_EQ(slots.find(1'001), nullptr);
  EXPECT_EQ(slots.find(0), nullptr);
  EXPECT_EQ(slots.acquire(), 0U);
  slots.release(1'000);
  EXPECT_EQ(slots.find(1'000), nullptr);
  EXPECT_EQ(slots.take(1'000), "") << "default-made again";
}

TEST(SparseSlotsDeathTest, ASlotHasOneTenant) {
  Slots slots;
  slots.take(5);
  EXPECT_DEATH(slots.take(5), "");
  EXPECT_DEATH(slots.release(6), "");
  EXPECT_DEATH(slots[6] = "", "");
}

// Any sequence of taking and releasing against a map; what is taken stays where it is.
TEST(SparseSlots, AgreesWithAMap) {
  Random random(7);
  Slots slots;
  std::map<std::uint32_t, std::string*> taken;
  std::set<std::uint32_t> free;
  for (std::uint32_t i = 0; i < 10'000; ++i) free.insert(i);
  for (int step = 0; step < 20'000; ++step) {
    // Grows for a while, then shrinks.
    if (taken.empty() || random.below(100) < (step / 4'000 % 2 == 0 ? 80U : 20U)) {
      const std::uint32_t index = slots.acquire();
      ASSERT_EQ(index, *free.begin());
      free.erase(index);
      slots[index] = std::to_string(step);
      taken[index] = slots.find(index);
    } else {
      auto victim = taken.lower_bound(static_cast<std::uint32_t>(random.below(3'000)));
      if (victim == taken.end()) victim = taken.begin();
      slots.release(victim->first);
      free.insert(victim->first);
      taken.erase(victim);
    }
    ASSERT_EQ(slots.size(), taken.size());
    if (step % 1'000 != 0) continue;
    auto expected = taken.begin();
    slots.for_each([&](std::uint32_t index, std::string& slot) {
      ASSERT_EQ(index, expected->first);
      ASSERT_EQ(&slot, expected->second);
      ++expected;
    });
    ASSERT_EQ(expected, taken.end());
  }
}

TEST(SparseSlots, GivesItsMemoryBack) {
  const std::int64_t before = allocated_bytes();
  {
    SparseSlots<std::uint64_t> slots;
    constexpr std::uint32_t kMany = 200'000;
    for (std::uint32_t i = 0; i < kMany; ++i) static_cast<void>(slots.acquire());
    const std::int64_t full = allocated_bytes() - before;
    EXPECT_GT(full, std::int64_t{kMany} * 8);
    for (std::uint32_t i = 0; i < kMany; ++i) slots.release(kMany - 1 - i);
    EXPECT_EQ(slots.size(), 0U);
    EXPECT_LE(allocated_bytes() - before, full / 500);
    for (std::uint32_t i = 0; i < kMany; ++i) static_cast<void>(slots.acquire());
    EXPECT_NEAR(static_cast<double>(allocated_bytes() - before), static_cast<double>(full),
                static_cast<double>(full) / 50)
        << "and once more it costs what it did";
    // The highest stays: what is below it goes all the same.
    for (std::uint32_t i = 0; i + 1 < kMany; ++i) slots.release(i);
    EXPECT_LE(allocated_bytes() - before, full / 50);
  }
  EXPECT_EQ(allocated_bytes(), before);
}

}  // namespace
}  // namespace millrace

#include "core/shard/lane.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "tests/support/allocated_bytes.h"

namespace millrace {
namespace {

TEST(Lane, FirstInFirstOut) {
  Lane<std::string> lane(4);
  EXPECT_TRUE(lane.empty());
  for (std::string item : {"a", "b", "c"}) EXPECT_TRUE(lane.push(item));
  EXPECT_FALSE(lane.empty());
  std::string out;
  for (const char* want : {"a", "b", "c"}) {
    ASSERT_TRUE(lane.pop(out));
    EXPECT_EQ(out, want);
  }
  EXPECT_TRUE(lane.empty());
  EXPECT_FALSE(lane.pop(out));
  EXPECT_EQ(out, "c") << "an empty lane leaves `out` alone";
}

TEST(Lane, CapacityLimits) {
  for (const std::size_t capacity : {1U, 2U, 4U, 15U, 16U, 17U, 1000U, 1024U}) {
    Lane<std::string> lane(capacity);
    EXPECT_EQ(lane.capacity(), capacity);
    for (std::size_t i = 0; i < capacity; ++i) {
      std::string item = std::to_string(i);
      ASSERT_TRUE(lane.push(item)) << i << " of " << capacity;
    }
    std::string refused = "one too many";
    EXPECT_FALSE(lane.push(refused));
    EXPECT_EQ(refused, "one too many") << "a refused item is untouched";
    std::string out;
    ASSERT_TRUE(lane.pop(out));
    EXPECT_EQ(out, "0");
    EXPECT_TRUE(lane.push(refused)) << "one out, one in";
    EXPECT_FALSE(lane.push(refused));
  }
}

TEST(Lane, GoesRoundManyTimes) {
  Lane<int> lane(8);
  int next_in = 0;
  int next_out = 0;
  for (int round = 0; round < 10'000; ++round) {
    for (int i = 0; i < round % 9; ++i) {
      int item = next_in;
      if (lane.push(item)) ++next_in;
    }
    int out = -1;
    for (int i = 0; i < (round * 7) % 9 && lane.pop(out); ++i) ASSERT_EQ(out, next_out++);
  }
  EXPECT_GT(next_out, 10'000);
}

// A type whose move is a copy, so that what it leaves behind in the cell shows.
struct Clinging {
  Clinging() = default;
  Clinging(const Clinging&) = default;
  Clinging& operator=(const Clinging&) = default;
  std::shared_ptr<int> held;
};

TEST(Lane, WhatIsTakenOutIsNotKept) {
  Lane<Clinging> lane(4);
  Clinging item;
  item.held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = item.held;
  ASSERT_TRUE(lane.push(item));
  item = {};
  ASSERT_TRUE(lane.pop(item));
  EXPECT_EQ(watch.use_count(), 1);
  item = {};
  EXPECT_TRUE(watch.expired());
}

TEST(Lane, WhatIsLeftDiesWithIt) {
  std::weak_ptr<int> watch;
  {
    Lane<std::shared_ptr<int>> lane(2);
    auto item = std::make_shared<int>(1);
    watch = item;
    ASSERT_TRUE(lane.push(item));
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Lane, WhatIsLeftInManySegmentsDiesWithIt) {
  auto item = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = item;
  {
    Lane<std::shared_ptr<int>> lane(1'000);
    for (int i = 0; i < 100; ++i) {
      auto copy = item;
      ASSERT_TRUE(lane.push(copy));
    }
    item.reset();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(lane.pop(item));
    item.reset();
    EXPECT_EQ(watch.use_count(), 50);
  }
  EXPECT_TRUE(watch.expired());
}

// 64 shards have 4,032 lanes.
TEST(Lane, CostsWhatWaitsInIt) {
  using Item = std::array<char, 144>;
  constexpr std::size_t kItems = 4'096;
  const std::int64_t before = allocated_bytes();
  Lane<Item> lane(kItems);
  EXPECT_EQ(allocated_bytes(), before) << "a lane that nobody uses";
  Item item{};
  for (std::size_t i = 0; i < kItems; ++i) ASSERT_TRUE(lane.push(item));
  EXPECT_GE(allocated_bytes() - before, static_cast<std::int64_t>(kItems * sizeof(Item)));
  while (lane.pop(item)) continue;
  EXPECT_LE(allocated_bytes() - before, 5'120) << "an idle one";
  for (std::size_t i = 0; i < 10 * kItems; ++i) {
    ASSERT_TRUE(lane.push(item));
    ASSERT_TRUE(lane.pop(item));
  }
  EXPECT_LE(allocated_bytes() - before, 5'120) << "one with little to do";
}

TEST(LaneDeathTest, CapacityIsNotNone) { EXPECT_DEATH(Lane<int>(0), "CHECK failed"); }

// Small lanes are full and empty all the time, large ones run ahead.
TEST(CrossThreadLane, AMillionItemsInOrder) {
  constexpr std::uint64_t kItems = 1'000'000;
  for (const std::size_t capacity : {1U, 17U, 64U, 4096U}) {
    // A lane of one hands over at every item, which costs a switch of threads each.
    const std::uint64_t items = capacity < 64 ? kItems / 20 : kItems;
    Lane<std::uint64_t> lane(capacity);
    std::thread producer([&lane, items] {
      for (std::uint64_t i = 0; i < items; ++i) {
        std::uint64_t item = i;
        while (!lane.push(item)) std::this_thread::yield();
      }
    });
    std::uint64_t wrong = 0;
    for (std::uint64_t want = 0; want < items; ++want) {
      std::uint64_t out = 0;
      while (!lane.pop(out)) std::this_thread::yield();
      if (out != want) ++wrong;
    }
    producer.join();
    EXPECT_EQ(wrong, 0U) << capacity;
    EXPECT_TRUE(lane.empty());
  }
}

// Items that own memory: the thread sanitizer sees a hand-over that is not one.
TEST(CrossThreadLane, OwnedItems) {
  constexpr int kItems = 100'000;
  Lane<std::unique_ptr<std::string>> lane(32);
  std::thread producer([&lane] {
    for (int i = 0; i < kItems; ++i) {
      auto item = std::make_unique<std::string>(std::to_string(i));
      while (!lane.push(item)) std::this_thread::yield();
    }
  });
  int wrong = 0;
  for (int want = 0; want < kItems; ++want) {
    std::unique_ptr<std::string> out;
    while (!lane.pop(out)) std::this_thread::yield();
    if (out == nullptr || *out != std::to_string(want)) ++wrong;
  }
  producer.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace millrace

#include "core/shard/inbox.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/core/shard/event_ring.h"

namespace millrace {
namespace {

struct Fixture {
  EventRing ring;
  Waker waker{ring};
};

TEST(Inbox, TakesEverythingInOrder) {
  Fixture f;
  Inbox<std::string> inbox(10, f.waker);
  EXPECT_FALSE(inbox.waiting());
  for (std::string item : {"a", "b", "c"}) EXPECT_TRUE(inbox.push(item));
  EXPECT_TRUE(inbox.waiting());
  std::vector<std::string> out;
  inbox.take(out);
  EXPECT_EQ(out, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_FALSE(inbox.waiting());
  out.clear();
  inbox.take(out);
  EXPECT_TRUE(out.empty());
}

TEST(Inbox, CapacityLimits) {
  for (const std::size_t capacity : {0U, 1U, 2U, 100U}) {
    Fixture f;
    Inbox<std::string> inbox(capacity, f.waker);
    for (std::size_t i = 0; i < capacity; ++i) {
      std::string item = "x";
      ASSERT_TRUE(inbox.push(item)) << i << " of " << capacity;
    }
    EXPECT_EQ(inbox.refused(), 0U);
    std::string refused = "one too many";
    EXPECT_FALSE(inbox.push(refused));
    EXPECT_FALSE(inbox.push(refused));
    EXPECT_EQ(refused, "one too many") << "a refused item is untouched";
    EXPECT_EQ(inbox.refused(), 2U);
    std::vector<std::string> out;
    inbox.take(out);
    EXPECT_EQ(out.size(), capacity);
    EXPECT_EQ(inbox.push(refused), capacity > 0) << "there is room again";
  }
}

TEST(Inbox, WakesASleeperOnce) {
  Fixture f;
  Inbox<int> inbox(10, f.waker);
  int item = 1;
  EXPECT_TRUE(inbox.push(item));
  EXPECT_EQ(f.ring.asked(), 0U) << "nobody sleeps";
  f.waker.about_to_sleep();
  EXPECT_TRUE(inbox.push(item));
  EXPECT_TRUE(inbox.push(item));
  EXPECT_EQ(f.ring.asked(), 1U);
}

TEST(Inbox, WhatIsLeftDiesWithIt) {
  Fixture f;
  std::weak_ptr<int> watch;
  {
    Inbox<std::shared_ptr<int>> inbox(2, f.waker);
    auto item = std::make_shared<int>(1);
    watch = item;
    EXPECT_TRUE(inbox.push(item));
  }
  EXPECT_TRUE(watch.expired());
}

struct Item {
  int producer = 0;
  std::uint64_t number = 0;
  std::unique_ptr<std::string> text;  // owned memory: a bad hand-over shows
};

// Four threads against a small inbox and a shard that sleeps whenever it finds nothing. A refused
// item is offered again, so that in the end nothing may be missing.
TEST(CrossThreadInbox, NothingIsLost) {
  constexpr int kProducers = 4;
  constexpr std::uint64_t kItems = 100'000;  // each
  Fixture f;
  Inbox<Item> inbox(256, f.waker);
  std::atomic<std::uint64_t> refusals{0};
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&inbox, &refusals, producer] {
      for (std::uint64_t i = 0; i < kItems; ++i) {
        Item item{producer, i, std::make_unique<std::string>(std::to_string(i))};
        while (!inbox.push(item)) {
          refusals.fetch_add(1, std::memory_order_relaxed);
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<std::uint64_t> next(kProducers, 0);
  std::uint64_t total = 0;
  std::uint64_t wrong = 0;
  std::vector<Item> batch;
  while (total < kProducers * kItems && f.ring.timeouts() == 0) {
    inbox.take(batch);
    for (const Item& item : batch) {
      std::uint64_t& want = next[static_cast<std::size_t>(item.producer)];
      if (item.number != want || *item.text != std::to_string(want)) ++wrong;
      ++want;
    }
    total += batch.size();
    batch.clear();
    if (total == kProducers * kItems) break;
    f.waker.about_to_sleep();
    if (!inbox.waiting()) f.ring.wait(seconds(20));
    f.waker.awake();
  }
  EXPECT_EQ(f.ring.timeouts(), 0U) << "a wake was lost";
  // Were one lost, the producers would wait for ever.
  while (total < kProducers * kItems && f.ring.timeouts() > 0) {
    inbox.take(batch);
    total += batch.size();
    batch.clear();
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(wrong, 0U) << "lost, doubled or out of order";
  EXPECT_EQ(total, kProducers * kItems);
  EXPECT_EQ(inbox.refused(), refusals.load());
  EXPECT_FALSE(inbox.waiting());
}

}  // namespace
}  // namespace millrace

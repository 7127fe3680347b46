#include "core/shard/waker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/core/shard/event_ring.h"

namespace millrace {
namespace {

TEST(Waker, AsksTheKernelOnlyForASleeper) {
  EventRing ring;
  Waker waker(ring);
  waker.wake();
  EXPECT_EQ(ring.asked(), 0U);
  waker.about_to_sleep();
  waker.awake();
  waker.wake();
  EXPECT_EQ(ring.asked(), 0U);
}

TEST(Waker, TellsWhoSleepsUnasked) {
  EventRing ring;
  Waker waker(ring);
  EXPECT_TRUE(waker.awake_or_asked());
  waker.about_to_sleep();
  EXPECT_FALSE(waker.awake_or_asked());
  waker.wake();
  EXPECT_TRUE(waker.awake_or_asked());
  waker.awake();
  EXPECT_TRUE(waker.awake_or_asked());
}

TEST(Waker, OnceASleep) {
  EventRing ring;
  Waker waker(ring);
  for (std::uint64_t sleep = 1; sleep <= 3; ++sleep) {
    waker.about_to_sleep();
    for (int i = 0; i < 10; ++i) waker.wake();
    EXPECT_EQ(ring.asked(), sleep);
    ring.wait(seconds(10));
    waker.awake();
    EXPECT_EQ(ring.stats().wakes, sleep);
  }
  EXPECT_EQ(ring.timeouts(), 0U);
}

TEST(Waker, AWakeBeforeTheWaitEndsItAtOnce) {
  EventRing ring;
  Waker waker(ring);
  waker.about_to_sleep();
  waker.wake();
  ring.wait(seconds(10));
  EXPECT_EQ(ring.timeouts(), 0U);
}

// Both sides of a round wait a random while, so that they meet at every point of the way to sleep.
void spin(std::mt19937_64& random) {
  for (std::uint64_t left = random() % 200; left > 0; --left) {
    std::atomic_signal_fence(std::memory_order_seq_cst);  // keeps the empty loop
  }
}

// How far apart the words lie decides how long a store waits while a load goes ahead, so the rounds
// are run with both: all in one cache line, and each in its own.
constexpr std::size_t kTogether = 8;
constexpr std::size_t kApart = 64;

// The shard's side of the rounds. Work is told by relaxed atomics only: that it is seen is the
// Waker's promise, not theirs.
template <std::size_t kAlignment>
class Sleeper {
 public:
  alignas(kAlignment) std::atomic<std::uint64_t> work{0};
  alignas(kAlignment) Waker waker{ring};
  alignas(kAlignment) std::atomic<std::uint64_t> done{0};
  alignas(kAlignment) EventRing ring;
  std::uint64_t sleeps = 0;

  void run(std::uint64_t until) {
    while (done.load(std::memory_order_relaxed) < until) {
      const std::uint64_t seen = work.load(std::memory_order_relaxed);
      if (seen != done.load(std::memory_order_relaxed)) {
        done.store(seen, std::memory_order_release);
        continue;
      }
      spin(random_);
      waker.about_to_sleep();
      if (work.load(std::memory_order_relaxed) == seen) {
        ++sleeps;
        ring.wait(seconds(20));
      }
      waker.awake();
      if (ring.timeouts() > 0) {
        failed.store(true);
        return;
      }
    }
  }
  std::atomic<bool> failed{false};

 private:
  std::mt19937_64 random_{4};
};

template <std::size_t kAlignment>
void expect_no_wake_lost() {
  constexpr std::uint64_t kRounds = 100'000;
  Sleeper<kAlignment> sleeper;
  std::thread producer([&sleeper] {
    std::mt19937_64 random(9);
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      spin(random);
      sleeper.work.store(round, std::memory_order_relaxed);
      sleeper.waker.wake();
      std::uint64_t looks = 0;
      while (sleeper.done.load(std::memory_order_acquire) < round) {
        if (sleeper.failed.load()) return;
        if (++looks % 1'024 == 0) std::this_thread::yield();
      }
    }
  });
  sleeper.run(kRounds);
  producer.join();
  EXPECT_EQ(sleeper.ring.timeouts(), 0U) << "a wake was lost";
  EXPECT_EQ(sleeper.done.load(), kRounds);
  EXPECT_GT(sleeper.sleeps, 0U);
}

TEST(CrossThreadWaker, NoWakeIsLostInAHundredThousandRounds) { expect_no_wake_lost<kTogether>(); }

TEST(CrossThreadWaker, NorWithEachWordInItsOwnCacheLine) { expect_no_wake_lost<kApart>(); }

TEST(CrossThreadWaker, ManyProducers) {
  constexpr std::uint64_t kProducers = 3;
  constexpr std::uint64_t kEach = 30'000;
  Sleeper<kApart> sleeper;
  std::vector<std::thread> producers;
  for (std::uint64_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&sleeper, producer] {
      std::mt19937_64 random(producer);
      for (std::uint64_t i = 0; i < kEach; ++i) {
        sleeper.work.fetch_add(1, std::memory_order_relaxed);
        sleeper.waker.wake();
        if (random() % 4 == 0) std::this_thread::yield();
      }
    });
  }
  sleeper.run(kProducers * kEach);
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(sleeper.ring.timeouts(), 0U) << "a wake was lost";
  EXPECT_EQ(sleeper.done.load(), kProducers * kEach);
}

}  // namespace
}  // namespace millrace

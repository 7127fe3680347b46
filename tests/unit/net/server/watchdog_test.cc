#include "net/server/watchdog.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/shard/reactor.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {
namespace {

using Lines = std::vector<std::string>;

constexpr Instant kStart{50'000'000'000};

// Three shards that do what the test says, and time that goes on when it says so.
class WatchdogTest : public testing::Test {
 protected:
  static constexpr Duration kStep = Watchdog::kBetweenLooks;

  // Looks as often as it should, `span` long.
  Lines watch(Duration span) {
    Lines all;
    for (const Instant end = now_ + span; now_ < end;) {
      now_ = now_ + kStep;
      for (std::string& line : watchdog_.look(now_)) all.push_back(std::move(line));
    }
    return all;
  }

  Instant now_ = kStart;
  std::array<Heartbeat, 3> shards_;
  std::set<std::size_t> woken_;
  Watchdog watchdog_{shards_, [this](std::size_t shard) { return woken_.contains(shard); }};
};

TEST_F(WatchdogTest, HasNothingToSayOfThoseThatAreWell) {
  shards_[0].waits_until(now_ + seconds(3));
  for (int i = 0; i < 20; ++i) {
    shards_[1].turn_begins(now_ + milliseconds(10));
    EXPECT_EQ(watch(kStep), Lines{});
  }
  EXPECT_EQ(watchdog_.stuck(0, now_), "");
  EXPECT_EQ(watchdog_.stalls()[1], 0U);
}

TEST_F(WatchdogTest, NamesATurnThatTakesTooLongWhileItLasts) {
  shards_[1].turn_begins(now_);
  shards_[1].doing("messages from NATS");
  EXPECT_EQ(watch(Heartbeat::kLongTurn), Lines{}) << "100 ms are allowed";
  EXPECT_EQ(watch(kStep), Lines{"shard 1 is busy for 150 ms: messages from NATS"});
  EXPECT_EQ(watch(seconds(2)), Lines{}) << "said once";
  EXPECT_EQ(watchdog_.stuck(1, now_), "busy for 2150 ms: messages from NATS");
  EXPECT_EQ(watchdog_.stuck(0, now_), "");
  shards_[1].long_turn(milliseconds(2'160));
  shards_[1].waits_until(now_ + seconds(1));
  EXPECT_EQ(watchdog_.stuck(1, now_), "");
  EXPECT_EQ(watch(kStep), Lines{"shard 1 goes on after 2200 ms"});
  EXPECT_EQ(watch(seconds(1)), Lines{});
  EXPECT_EQ(watchdog_.stalls()[1], 1U) << "one stall, seen twice";
  EXPECT_EQ(watchdog_.stalls()[0] + watchdog_.stalls()[2], 0U);
}

TEST_F(WatchdogTest, TellsOfALongTurnBetweenTwoLooks) {
  static_cast<void>(watch(kStep));
  shards_[2].completions(70);
  shards_[2].long_turn(milliseconds(104));
  shards_[2].waits_until(now_ + seconds(3));
  EXPECT_EQ(watch(kStep), Lines{"shard 2 was busy, or late, for 104 ms (70 completions)"});
  EXPECT_EQ(watchdog_.stalls()[2], 1U);
  EXPECT_EQ(watch(seconds(1)), Lines{});
}

TEST_F(WatchdogTest, NamesWhoDoesNotComeBackFromAWait) {
  shards_[0].doing(Heartbeat::kWait);
  shards_[0].waits_until(now_ + milliseconds(500));
  EXPECT_EQ(watch(milliseconds(600)), Lines{});
  EXPECT_EQ(watch(kStep), Lines{"shard 0 is late for 150 ms: in the kernel, or without a core"});
}

TEST_F(WatchdogTest, NamesWhoWasWokenAndSleepsOn) {
  shards_[0].doing(Heartbeat::kWait);
  shards_[0].waits_until(now_ + seconds(100));
  static_cast<void>(watch(seconds(1)));
  woken_.insert(0);
  EXPECT_EQ(watch(kStep + Heartbeat::kLongTurn), Lines{});
  EXPECT_EQ(watch(kStep), Lines{"shard 0 is late for 150 ms: in the kernel, or without a core"});
}

// Woken again and again, and each time it came: every wait is another.
TEST_F(WatchdogTest, WhoIsWokenOftenIsNotLate) {
  woken_.insert(0);
  for (int i = 0; i < 40; ++i) {
    shards_[0].waits_until(now_ + seconds(1));
    EXPECT_EQ(watch(kStep * 2), Lines{});
  }
}

TEST_F(WatchdogTest, OneStallAfterTheOther) {
  shards_[0].turn_begins(now_);
  EXPECT_EQ(watch(milliseconds(200)).size(), 1U);
  shards_[0].turn_begins(now_ + milliseconds(10));
  EXPECT_EQ(watch(milliseconds(100)), Lines{"shard 0 goes on after 250 ms"});
  EXPECT_EQ(watch(kStep), Lines{"shard 0 is busy for 140 ms: its start"});
  EXPECT_EQ(watchdog_.stalls()[0], 2U);
}

TEST_F(WatchdogTest, AShardThatHasEndedIsNotLate) {
  shards_[0].turn_begins(now_);
  shards_[0].ends();
  EXPECT_EQ(watch(seconds(2)), Lines{});
  shards_[0].turn_begins(now_);
  EXPECT_EQ(watch(milliseconds(200)).size(), 1U);
  shards_[0].ends();
  EXPECT_EQ(watch(kStep).size(), 1U) << "it went on, to its end";
  EXPECT_EQ(watch(seconds(2)), Lines{});
}

// SIGSTOP, a suspended machine: nobody here is to blame.
TEST_F(WatchdogTest, WhoDidNotRunItselfBlamesNobody) {
  static_cast<void>(watch(kStep));
  for (Heartbeat& shard : shards_) shard.turn_begins(now_);
  now_ = now_ + seconds(5);
  const Lines lines = watchdog_.look(now_);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("the watchdog did not run for 5000 ms"), std::string::npos);
  EXPECT_EQ(watchdog_.stalls()[0], 0U);
  // Who still does not move is named.
  shards_[0].waits_until(now_ + seconds(1));
  shards_[1].waits_until(now_ + seconds(1));
  EXPECT_EQ(watch(kStep).size(), 1U);
  EXPECT_EQ(watchdog_.stalls()[2], 1U);
}

TEST_F(WatchdogTest, DoesNotFillTheLog) {
  std::size_t lines = 0;
  for (int i = 0; i < 40; ++i) {
    shards_[0].turn_begins(now_);
    lines += watch(milliseconds(200)).size();
  }
  EXPECT_EQ(lines, 10U) << "in eight seconds";
  EXPECT_EQ(watchdog_.stalls()[0], 40U) << "counted all the same";
  shards_[0].waits_until(now_ + seconds(10));
  static_cast<void>(watch(seconds(3)));
  shards_[0].turn_begins(now_);
  const Lines after = watch(milliseconds(150));
  ASSERT_EQ(after.size(), 1U);
  EXPECT_NE(after[0].find("more were not logged"), std::string::npos) << after[0];
}

// --- Real threads -------------------------------------------------------------------------------

// A source that holds its shard up for as long as it is told to.
struct Blocker final : InboundSource {
  void drain(Instant) override { block.wait(true); }
  [[nodiscard]] bool ready() const override { return false; }
  std::atomic<bool> block{true};
};

struct BlockedShard {
  BlockedShard() : reactor(ring, clock) {
    reactor.set_heartbeat(heartbeat);
    reactor.add_source(blocker, "a handler that blocks");
  }
  EventRing ring;
  MonotonicClock clock;
  Heartbeat heartbeat;
  Blocker blocker;
  Reactor reactor;
};

TEST(CrossThreadWatchdog, NamesTheOneThatIsBlocked) {
  std::array<Heartbeat, 2> heartbeats;
  std::array<BlockedShard, 2> shards;
  for (std::size_t i = 0; i < 2; ++i) shards[i].reactor.set_heartbeat(heartbeats[i]);
  shards[0].blocker.block.store(false);
  std::array<std::thread, 2> threads;
  for (std::size_t i = 0; i < 2; ++i) {
    threads[i] = std::thread([&shards, i] { shards[i].reactor.run(); });
  }
  Watchdog watchdog(heartbeats,
                    [&](std::size_t i) { return shards[i].reactor.waker().awake_or_asked(); });
  MonotonicClock clock;
  std::string named;
  const Instant end = clock.now() + seconds(30);
  while (named.find("a handler that blocks") == std::string::npos && clock.now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    for (const std::string& line : watchdog.look(clock.now())) named += line + "\n";
  }
  EXPECT_NE(named.find("shard 1 is busy for "), std::string::npos) << named;
  EXPECT_GE(watchdog.stalls()[1], 1U);
  EXPECT_NE(watchdog.stuck(1, clock.now()), "");
  shards[1].blocker.block.store(false);
  shards[1].blocker.block.notify_all();
  for (BlockedShard& shard : shards) shard.reactor.stop();
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(shards[1].reactor.stats().long_turns, 1U);
  static_cast<void>(watchdog.look(clock.now()));
  EXPECT_EQ(watchdog.stuck(1, clock.now()), "");
}

}  // namespace
}  // namespace millrace

#include "core/shard/reactor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/mem_ring.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {
namespace {

// Does everything that a reactor calls, and writes it down.
struct Log final : CompletionHandler, TimerHandler, InboundSource, TurnEnd {
  void on_completion(const CompletionEvent&, Instant now) override { add("completion", now); }
  void on_timer(Timer&, Instant now) override { add("timer", now); }
  void drain(Instant now) override { add("drain", now); }
  [[nodiscard]] bool ready() const override { return has_work; }
  void flush(Instant now) override { add("flush", now); }
  [[nodiscard]] bool unfinished() const override { return has_rest; }

  void add(const char* what, Instant now) {
    calls.emplace_back(what);
    instants.push_back(now);
    if (during) during(what);
  }

  std::vector<std::string> calls;
  std::vector<Instant> instants;
  std::function<void(const std::string&)> during;
  bool has_work = false;
  bool has_rest = false;
};

struct World {
  World() {
    reactor.add_source(log);
    reactor.add_turn_end(log);
    reactor.route(OpKind::kAccept, log);
  }
  ~World() { reactor.timers().cancel(timer); }
  // A completion for the next reap.
  void complete() {
    ring.submit(Op::accept({OpKind::kAccept, 0, next_++}, 9, peer));
    ring.fail_accept(9, IoError::kDisconnect);
  }

  ManualClock clock;
  RecvBuffers buffers{1, 64};
  MemRing ring{buffers};
  Reactor reactor{ring, clock};
  Log log;
  Timer timer;
  PeerAddress peer;

 private:
  std::uint32_t next_ = 0;
};

TEST(Reactor, ATurnHasOneOrderAndOneInstant) {
  World world;
  world.reactor.timers().arm(world.timer, world.clock.now(), world.log);
  world.complete();
  // Time goes on within the turn; nobody below sees it.
  world.log.during = [&](const std::string&) { world.clock.advance(milliseconds(1)); };
  const Instant start = world.clock.now();
  world.reactor.turn(Duration{});
  EXPECT_EQ(world.log.calls, (std::vector<std::string>{"completion", "timer", "drain", "flush"}));
  for (const Instant instant : world.log.instants) EXPECT_EQ(instant.ns, start.ns);
  EXPECT_EQ(world.reactor.stats().turns, 1U);
  EXPECT_EQ(world.reactor.stats().timers_fired, 1U);
  EXPECT_EQ(world.reactor.stats().longest_turn, milliseconds(4));
}

TEST(Reactor, SleepsAsLongAsItMay) {
  World world;
  world.reactor.turn(seconds(3));
  EXPECT_EQ(world.ring.last_timeout(), seconds(3));
}

TEST(Reactor, SleepsNoLongerThanToTheNextTimer) {
  World world;
  world.reactor.timers().arm(world.timer, world.clock.now() + milliseconds(100), world.log);
  const Instant start = world.clock.now();
  int turns = 0;
  for (; world.reactor.stats().timers_fired == 0 && turns < 10; ++turns) {
    world.reactor.turn(seconds(3));
    world.clock.advance(world.ring.last_timeout());
  }
  EXPECT_LT(turns, 10) << "looks at the wheel too often";
  const Instant fired = world.log.instants[world.log.instants.size() - 3];
  EXPECT_GE(fired - start, milliseconds(100));
  EXPECT_LE(fired - start, milliseconds(104));
}

TEST(Reactor, ATimerThatIsOverdueAtTheEndOfATurnLetsNobodySleep) {
  World world;
  world.log.during = [&](const std::string& what) {
    if (what != "flush") return;
    world.reactor.timers().arm(world.timer, world.clock.now() + milliseconds(4), world.log);
    world.clock.advance(seconds(1));  // a long turn
  };
  world.reactor.turn(seconds(3));
  EXPECT_EQ(world.ring.last_timeout(), Duration{});
}

TEST(Reactor, DoesNotSleepWithWorkInASource) {
  World world;
  world.log.has_work = true;
  world.reactor.turn(seconds(3));
  EXPECT_EQ(world.ring.last_timeout(), Duration{});
}

TEST(Reactor, DoesNotSleepWithSomethingLeftToFlush) {
  World world;
  world.log.has_rest = true;
  world.reactor.turn(seconds(3));
  EXPECT_EQ(world.ring.last_timeout(), Duration{});
}

TEST(Reactor, AFullBatchLetsNobodySleep) {
  constexpr std::size_t kBatch = 1'024;
  for (const std::size_t events : {kBatch - 1, kBatch, kBatch + 1}) {
    World world;
    for (std::size_t i = 0; i < events; ++i) world.complete();
    world.reactor.turn(seconds(3));
    EXPECT_EQ(world.ring.last_timeout(), events < kBatch ? seconds(3) : Duration{});
    EXPECT_EQ(world.log.calls.size(), std::min(events, kBatch) + 2);
    world.reactor.turn(seconds(3));
    EXPECT_EQ(world.ring.last_timeout(), seconds(3));
    EXPECT_EQ(world.log.calls.size(), events + 4);
  }
}

// What came in time is behind a full batch: the timer that would call it late has to wait for it.
TEST(Reactor, TimersWaitForCompletionsThatAreThere) {
  World world;
  for (int i = 0; i < 1'025; ++i) world.complete();
  world.reactor.timers().arm(world.timer, world.clock.now() + milliseconds(1), world.log);
  world.clock.advance(seconds(1));
  world.reactor.turn(Duration{});
  EXPECT_TRUE(world.timer.armed());
  world.reactor.turn(Duration{});
  EXPECT_FALSE(world.timer.armed());
  const auto& calls = world.log.calls;
  const auto last = std::find(calls.rbegin(), calls.rend(), "completion");
  const auto timer = std::find(calls.rbegin(), calls.rend(), "timer");
  EXPECT_LT(timer - calls.rbegin(), last - calls.rbegin()) << "the timer comes last";
}

// A shard that never catches up keeps its deadlines all the same.
TEST(Reactor, TimersDoNotWaitForever) {
  World world;
  world.reactor.timers().arm(world.timer, world.clock.now() + milliseconds(1), world.log);
  world.clock.advance(seconds(1));
  int turns = 0;
  for (; world.timer.armed() && turns < 100; ++turns) {
    for (int i = 0; i < 1'024; ++i) world.complete();
    world.reactor.turn(Duration{});
  }
  EXPECT_EQ(turns, 65);
}

TEST(Reactor, AWakeBetweenLookingAndSleepingIsNotLost) {
  World world;
  // While the sleeper is looking, it has announced itself already.
  world.reactor.turn(Duration{});
  world.reactor.waker().wake();
  EXPECT_FALSE(world.ring.woken()) << "awake: the kernel is not told";
  world.reactor.waker().about_to_sleep();
  world.reactor.waker().wake();
  world.reactor.waker().wake();
  EXPECT_TRUE(world.ring.woken());
}

TEST(Reactor, StopEndsTheRunAfterItsTurn) {
  World world;
  world.log.during = [&](const std::string& what) {
    if (what == "drain" && world.reactor.stats().turns == 3) world.reactor.stop();
  };
  world.reactor.run();
  EXPECT_EQ(world.reactor.stats().turns, 3U);
  EXPECT_EQ(world.log.calls.back(), "flush");
  EXPECT_EQ(world.ring.last_timeout(), Duration{});
}

TEST(Reactor, ATurnInItsPartsWaitsNowhere) {
  World world;
  EXPECT_EQ(world.reactor.work(seconds(5)), seconds(5));
  EXPECT_EQ(world.ring.stats().enters, 0U);
  EXPECT_FALSE(world.ring.woken());
  world.reactor.waker().wake();  // it sleeps: the ring is told
  EXPECT_TRUE(world.ring.woken());
  world.reactor.resume();
  world.ring.wait({});
  world.reactor.waker().wake();  // it is awake: nobody need be told
  EXPECT_FALSE(world.ring.woken());
}

// --- What it tells of itself --------------------------------------------------------------------

TEST(Reactor, TellsWhatItIsDoing) {
  World world;
  Heartbeat heartbeat;
  InboundSource& source = world.log;
  TurnEnd& turn_end = world.log;
  world.reactor.add_source(source, "the post");
  world.reactor.add_turn_end(turn_end, "the sweep");
  world.reactor.set_heartbeat(heartbeat);
  world.reactor.timers().arm(world.timer, world.clock.now(), world.log);
  world.complete();
  std::vector<std::string> seen;
  const Instant start = world.clock.now();
  world.log.during = [&](const std::string&) {
    EXPECT_FALSE(heartbeat.look().waiting);
    EXPECT_EQ(heartbeat.look().at, start);
    seen.push_back(heartbeat.activity());
  };
  world.reactor.turn(seconds(3));
  EXPECT_EQ(seen, (std::vector<std::string>{"completions, 1 of this turn, at accept of 0", "timers",
                                            "what came in", "the post", "the end of the turn",
                                            "the sweep"}));
  EXPECT_TRUE(heartbeat.look().waiting);
  EXPECT_EQ(heartbeat.look().at, start + seconds(3));
  EXPECT_EQ(heartbeat.activity(), Heartbeat::kWait);
}

TEST(Reactor, CountsTurnsThatAreTooLong) {
  World world;
  Heartbeat heartbeat;
  world.reactor.set_heartbeat(heartbeat);
  Duration work{};
  world.log.during = [&](const std::string& what) {
    if (what == "drain") world.clock.advance(work);
  };
  for (const Duration length : {Heartbeat::kLongTurn - nanoseconds(1), Heartbeat::kLongTurn}) {
    work = length;
    world.reactor.turn(seconds(3));
    EXPECT_EQ(world.reactor.stats().long_turns, 0U);
  }
  work = Heartbeat::kLongTurn + nanoseconds(1);
  world.reactor.turn(seconds(3));
  EXPECT_EQ(world.reactor.stats().long_turns, 1U);
  EXPECT_EQ(heartbeat.look().long_turns, 1U);
  EXPECT_EQ(heartbeat.look().last_long, work);
}

TEST(Reactor, CountsWhenItComesLateOutOfAWait) {
  World world;
  world.reactor.turn(seconds(1));
  world.clock.advance(seconds(1) + Heartbeat::kLongTurn);
  world.reactor.turn(seconds(1));
  EXPECT_EQ(world.reactor.stats().long_turns, 0U);
  world.clock.advance(seconds(1) + Heartbeat::kLongTurn + nanoseconds(1));
  world.reactor.turn(seconds(1));
  EXPECT_EQ(world.reactor.stats().long_turns, 1U);
}

TEST(Reactor, IsNotExpectedBackAfterItsEnd) {
  World world;
  Heartbeat heartbeat;
  world.reactor.set_heartbeat(heartbeat);
  world.log.during = [&](const std::string&) { world.reactor.stop(); };
  world.reactor.run();
  EXPECT_EQ(heartbeat.look().beat, 0U);
}

TEST(ReactorDeath, OneHandlerAKind) {
  World world;
  EXPECT_DEATH(world.reactor.route(OpKind::kAccept, world.log), "CHECK failed");
}

TEST(CrossThreadReactor, StopWakesASleeper) {
  for (int i = 0; i < 200; ++i) {
    EventRing ring;
    MonotonicClock clock;
    Reactor reactor(ring, clock);
    std::thread sleeper([&reactor] { reactor.run(); });
    // Few: on a machine with other work a yield may cost milliseconds, and the sleeper has a
    // second.
    for (int spin = 0; spin < i; ++spin) std::this_thread::yield();
    reactor.stop();
    sleeper.join();
    ASSERT_EQ(ring.timeouts(), 0U) << "slept a whole second through the stop";
  }
}

}  // namespace
}  // namespace millrace

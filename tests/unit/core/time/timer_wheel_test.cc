#include "core/time/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "tests/unit/core/time/timer_wheel_model.h"

namespace millrace {
namespace {

constexpr Duration kTick = TimerWheel::kTick;

// Keeps what fired, and does what a test wants done then.
class Recorder : public TimerHandler {
 public:
  void on_timer(Timer& timer, Instant now) override {
    EXPECT_FALSE(timer.armed());
    fired.push_back(&timer);
    if (then) then(timer, now);
  }
  std::vector<Timer*> fired;
  std::function<void(Timer&, Instant)> then;
};

TEST(TimerWheel, EmptyWantsNothing) {
  TimerWheel wheel(kStart);
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(wheel.next_deadline(), Instant::never());
  EXPECT_EQ(wheel.advance(kStart), 0U);
  EXPECT_EQ(wheel.advance(kStart + seconds(100'000'000)), 0U);
  wheel.validate();
}

// At each distance that has a level of its own, and one to each side of it.
TEST(TimerWheel, FiresAtItsTickAndNotBefore) {
  for (int bits = 0; bits < 40; ++bits) {
    for (const int beside : {-1, 0, 1}) {
      for (const std::int64_t part : {0, 1, 3'999'999}) {
        TimerWheel wheel(kStart);
        Recorder recorder;
        Timer timer;
        const Instant deadline =
            kStart + kTick * ((std::int64_t{1} << bits) + beside) + nanoseconds(part);
        const Instant due = tick_at_or_after(deadline);
        wheel.arm(timer, deadline, recorder);
        wheel.validate();
        EXPECT_EQ(timer.armed(), true);
        EXPECT_EQ(timer.deadline(), deadline);
        if (deadline > kStart) {
          EXPECT_LE(wheel.next_deadline(), due);
          EXPECT_EQ(wheel.advance(due - nanoseconds(1)), 0U) << bits << ' ' << beside;
          wheel.validate();
          EXPECT_LE(wheel.next_deadline(), due);
        }
        EXPECT_EQ(wheel.advance(due), 1U) << bits << ' ' << beside;
        EXPECT_FALSE(timer.armed());
        EXPECT_EQ(wheel.next_deadline(), Instant::never());
      }
    }
  }
}

// A reactor sleeps until next_deadline() and no longer; that must lead to the timer in few steps.
TEST(TimerWheel, FollowingNextDeadlineFiresOnTimeInFewSteps) {
  for (const std::int64_t ms : {1, 4, 5, 250, 256, 257, 16'384, 25'000, 3'600'000, 86'400'000}) {
    TimerWheel wheel(kStart);
    Recorder recorder;
    Timer timer;
    const Instant deadline = kStart + milliseconds(ms);
    wheel.arm(timer, deadline, recorder);
    Instant now = kStart;
    int steps = 0;
    while (!wheel.empty()) {
      now = wheel.next_deadline();
      wheel.advance(now);
      ASSERT_LT(++steps, 8) << ms;
    }
    EXPECT_EQ(now, tick_at_or_after(deadline)) << ms;
  }
}

TEST(TimerWheel, NeverMoreThanATickLateWhenAdvancedEveryTick) {
  std::mt19937_64 random(11);
  TimerWheel wheel(kStart);
  Recorder recorder;
  std::int64_t latest_ns = 0;
  std::vector<Timer> timers(10'000);
  std::map<const Timer*, Instant> deadlines;
  for (Timer& timer : timers) {
    const Instant deadline =
        kStart + nanoseconds(static_cast<std::int64_t>(random() % 60'000'000'000));
    deadlines[&timer] = deadline;
    wheel.arm(timer, deadline, recorder);
  }
  recorder.then = [&](Timer& timer, Instant now) {
    const Duration late = now - deadlines.at(&timer);
    EXPECT_GE(late.ns, 0);
    latest_ns = std::max(latest_ns, late.ns);
  };
  for (Instant now = kStart; !wheel.empty(); now = now + kTick) wheel.advance(now);
  EXPECT_EQ(recorder.fired.size(), timers.size());
  // The wheel's tick and the caller's steps are out of phase here; each costs less than a tick.
  EXPECT_LT(latest_ns, 2 * kTick.ns);
  EXPECT_GT(latest_ns, 0);
}

TEST(TimerWheel, LessThanATickLateWhenAdvancedOnTicks) {
  std::mt19937_64 random(12);
  const Instant start{kTick.ns * 1'000};
  TimerWheel wheel(start);
  Recorder recorder;
  std::vector<Timer> timers(5'000);
  std::map<const Timer*, Instant> deadlines;
  for (Timer& timer : timers) {
    deadlines[&timer] =
        start + nanoseconds(1 + static_cast<std::int64_t>(random() % 30'000'000'000));
    wheel.arm(timer, deadlines[&timer], recorder);
  }
  recorder.then = [&](Timer& timer, Instant now) {
    const Duration late = now - deadlines.at(&timer);
    EXPECT_GE(late.ns, 0);
    EXPECT_LT(late.ns, kTick.ns);
  };
  for (Instant now = start; !wheel.empty(); now = now + kTick) wheel.advance(now);
  EXPECT_EQ(recorder.fired.size(), timers.size());
}

TEST(TimerWheel, OneAdvanceFiresInOrderOfTick) {
  std::mt19937_64 random(13);
  TimerWheel wheel(kStart);
  Recorder recorder;
  std::vector<Timer> timers(2'000);
  std::map<const Timer*, Instant> ticks;
  for (Timer& timer : timers) {
    const auto span = static_cast<std::int64_t>(random() % (std::uint64_t{1} << (random() % 60)));
    const Instant deadline = kStart + nanoseconds(1 + span);
    ticks[&timer] = tick_at_or_after(deadline);
    wheel.arm(timer, deadline, recorder);
  }
  EXPECT_EQ(wheel.advance(Instant::never()), timers.size());
  EXPECT_TRUE(std::is_sorted(recorder.fired.begin(), recorder.fired.end(),
                             [&](Timer* a, Timer* b) { return ticks[a] < ticks[b]; }));
}

TEST(TimerWheel, PastDeadlineFiresAtTheNextAdvanceEvenWithinTheSameTick) {
  TimerWheel wheel(kStart);
  Recorder recorder;
  Timer now_timer, past, ancient;
  wheel.advance(kStart);
  wheel.arm(now_timer, kStart, recorder);
  wheel.arm(past, kStart - seconds(1), recorder);
  wheel.arm(ancient, Instant{-5}, recorder);
  EXPECT_LE(wheel.next_deadline(), kStart);
  wheel.validate();
  EXPECT_EQ(wheel.advance(kStart), 3U);
}

TEST(TimerWheel, CancelPastAndPendingDeadlines) {
  TimerWheel wheel(kStart);
  Recorder recorder;
  Timer past, ancient, soon, far;
  wheel.arm(past, kStart, recorder);
  wheel.arm(ancient, Instant{-5}, recorder);
  wheel.arm(soon, kStart + milliseconds(10), recorder);
  wheel.arm(far, kStart + seconds(100), recorder);
  for (Timer* timer : {&past, &ancient, &soon, &far}) {
    wheel.cancel(*timer);
    EXPECT_FALSE(timer->armed());
    wheel.cancel(*timer);
    wheel.validate();
  }
  EXPECT_EQ(wheel.next_deadline(), Instant::never());
  EXPECT_EQ(wheel.advance(kStart + seconds(200)), 0U);
}

TEST(TimerWheel, RearmingReplaces) {
  TimerWheel wheel(kStart);
  Recorder recorder;
  Timer timer;
  wheel.arm(timer, kStart + seconds(1), recorder);
  wheel.arm(timer, kStart + seconds(60), recorder);
  EXPECT_EQ(wheel.size(), 1U);
  EXPECT_EQ(wheel.advance(kStart + seconds(59)), 0U);
  wheel.arm(timer, kStart + seconds(59) + milliseconds(8), recorder);
  EXPECT_EQ(wheel.advance(kStart + seconds(60)), 1U);
}

TEST(TimerWheel, TheLastInstantAndNever) {
  TimerWheel wheel(kStart);
  Recorder recorder;
  Timer never, last;
  wheel.arm(never, Instant::never(), recorder);
  wheel.arm(last, Instant{Instant::never().ns / kTick.ns * kTick.ns}, recorder);
  wheel.validate();
  EXPECT_EQ(wheel.advance(Instant{Instant::never().ns / 2}), 0U);
  wheel.validate();
  EXPECT_EQ(wheel.advance(Instant::never() - seconds(1)), 0U);
  EXPECT_LE(wheel.next_deadline(), last.deadline());
  EXPECT_EQ(wheel.advance(Instant::never()), 1U);
  EXPECT_FALSE(last.armed());
  wheel.validate();
  EXPECT_LE(wheel.next_deadline(), Instant::never());
  wheel.cancel(never);
}

// What a handler arms in the past waits for the next advance(): a loop in a turn is impossible.
TEST(TimerWheel, HandlerRearmsItselfInThePast) {
  TimerWheel wheel(kStart);
  Recorder recorder;
  Timer timer;
  recorder.then = [&](Timer& fired, Instant now) {
    wheel.arm(fired, now - seconds(1), recorder);
    wheel.validate();
  };
  wheel.arm(timer, kStart + milliseconds(4), recorder);
  const Instant later = kStart + seconds(1);
  EXPECT_EQ(wheel.advance(later), 1U);
  EXPECT_EQ(wheel.advance(later), 1U);
  EXPECT_EQ(wheel.advance(later), 1U);
  EXPECT_EQ(wheel.next_deadline(), later);
  wheel.cancel(timer);
}

TEST(TimerWheel, HandlerCancelsAndMovesThoseThatFireWithIt) {
  TimerWheel wheel(kStart);
  Recorder recorder;
  Timer first, canceled, moved, last;
  const Instant deadline = kStart + milliseconds(4);
  recorder.then = [&](Timer& fired, Instant now) {
    if (&fired != &first) return;
    wheel.cancel(canceled);
    wheel.arm(moved, now + seconds(1), recorder);
    EXPECT_LE(wheel.next_deadline(), now);  // `last` is still to be fired
    wheel.validate();
  };
  for (Timer* timer : {&first, &canceled, &moved, &last}) wheel.arm(*timer, deadline, recorder);
  EXPECT_EQ(wheel.advance(kStart + seconds(1)), 2U);
  EXPECT_EQ(recorder.fired, (std::vector<Timer*>{&first, &last}));
  EXPECT_TRUE(moved.armed());
  EXPECT_EQ(wheel.advance(kStart + seconds(3)), 1U);
}

TEST(TimerWheel, HandlerDestroysTheOwner) {
  TimerWheel wheel(kStart);
  Recorder recorder;
  auto owner = std::make_unique<Timer>();
  auto neighbour = std::make_unique<Timer>();
  recorder.then = [&](Timer&, Instant) {
    owner.reset();
    if (neighbour != nullptr) wheel.cancel(*neighbour);
    neighbour.reset();
  };
  wheel.arm(*owner, kStart + milliseconds(4), recorder);
  wheel.arm(*neighbour, kStart + milliseconds(4), recorder);
  EXPECT_EQ(wheel.advance(kStart + seconds(1)), 1U);
  EXPECT_TRUE(wheel.empty());
}

TEST(TimerWheelDeathTest, MisuseIsCaught) {
  Recorder recorder;
  EXPECT_DEATH(TimerWheel(Instant{-1}), "CHECK failed");
  EXPECT_DEATH(
      {
        TimerWheel wheel(kStart);
        Timer timer;
        wheel.arm(timer, kStart + seconds(1), recorder);
      },
      "CHECK failed: !armed");
  EXPECT_DEATH(
      {
        Timer timer;
        TimerWheel wheel(kStart);
        wheel.arm(timer, kStart + seconds(1), recorder);
      },
      "CHECK failed: size_");
  EXPECT_DEATH(
      {
        TimerWheel wheel(kStart);
        wheel.advance(kStart - nanoseconds(1));
      },
      "CHECK failed: now.ns >= now_.ns");
  EXPECT_DEATH(
      {
        TimerWheel wheel(kStart);
        Timer timer;
        recorder.then = [&](Timer&, Instant now) { wheel.advance(now); };
        wheel.arm(timer, kStart, recorder);
        wheel.advance(kStart);
      },
      "CHECK failed: !firing_");
}

class TimerWheelSeeds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(TimerWheelSeeds, AgreesWithAMultimap) {
  TimerWheelModel model(GetParam());
  model.run(100'000);
  EXPECT_GT(model.fired(), 10'000U);
}

INSTANTIATE_TEST_SUITE_P(Model, TimerWheelSeeds, testing::Values(1, 2, 3));

}  // namespace
}  // namespace millrace

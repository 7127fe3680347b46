#include "core/shard/heartbeat.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Heartbeat, SaysNothingBeforeTheFirstTurnAndAfterTheLast) {
  Heartbeat heartbeat;
  EXPECT_EQ(heartbeat.look().beat, 0U);
  heartbeat.turn_begins(Instant{5});
  EXPECT_NE(heartbeat.look().beat, 0U);
  heartbeat.ends();
  EXPECT_EQ(heartbeat.look().beat, 0U);
}

TEST(Heartbeat, TellsATurnFromAWait) {
  Heartbeat heartbeat;
  const Instant late{146LL * 365 * 24 * 3'600 * 1'000'000'000};  // of any machine's uptime
  for (const Instant at : {Instant{1}, Instant{1'000'000'007}, late}) {
    heartbeat.turn_begins(at);
    const Heartbeat::Look turn = heartbeat.look();
    EXPECT_FALSE(turn.waiting);
    EXPECT_EQ(turn.at, at);
    heartbeat.waits_until(at);
    const Heartbeat::Look wait = heartbeat.look();
    EXPECT_TRUE(wait.waiting);
    EXPECT_EQ(wait.at, at);
    EXPECT_NE(wait.beat, turn.beat);
  }
}

TEST(Heartbeat, KeepsTheLastLongTurn) {
  Heartbeat heartbeat;
  EXPECT_EQ(heartbeat.look().long_turns, 0U);
  heartbeat.completions(12);
  heartbeat.long_turn(milliseconds(130));
  heartbeat.completions(3);
  heartbeat.long_turn(milliseconds(101));
  EXPECT_EQ(heartbeat.look().long_turns, 2U);
  EXPECT_EQ(heartbeat.look().last_long, milliseconds(101));
  EXPECT_EQ(heartbeat.look().last_long_completions, 3U);
}

TEST(Heartbeat, PutsTheActivityIntoWords) {
  Heartbeat heartbeat;
  EXPECT_EQ(heartbeat.activity(), "its start");
  heartbeat.doing(Heartbeat::kTimers);
  EXPECT_EQ(heartbeat.activity(), "timers");
  heartbeat.completions(17);
  heartbeat.completion({OpKind::kRecv, 3, 4'711});
  EXPECT_EQ(heartbeat.activity(), "timers") << "not before that part begins";
  heartbeat.doing(Heartbeat::kCompletions);
  EXPECT_EQ(heartbeat.activity(), "completions, 17 of this turn, at recv of 4711");
}

}  // namespace
}  // namespace millrace

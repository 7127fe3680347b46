// What a presence table holds and tells at most.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/hub/presence_table.h"
#include "tests/unit/core/hub/presence_world.h"

namespace millrace {
namespace {

using PresenceBounds = PresenceWorld;

TEST_F(PresenceBounds, ABatchHoldsSoManyChangesAndTheRestIsCounted) {
  for (int i = 0; i < 300; ++i) add("in" + std::to_string(i));
  pass(seconds(1));
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(metrics_.presence_changes_total, PresenceTable::kMaxChangesPerBatch);
  EXPECT_EQ(metrics_.presence_changes_dropped_total, 100U);
  EXPECT_EQ(table_.counts("room").clients, 300U);
  pass(seconds(10));
  EXPECT_EQ(told(), Told());
  // One who was dropped is known all the same: its leave is told.
  remove("in299");
  pass(seconds(10));
  EXPECT_EQ(told(), (Told{"-in299"}));
}

TEST_F(PresenceBounds, JoinsLeaveHalfOfABatchToLeaves) {
  for (int i = 0; i < 150; ++i) add("old" + std::to_string(i));
  pass(seconds(2));
  told();
  for (int i = 0; i < 150; ++i) remove("old" + std::to_string(i));
  pass(PresenceTable::kLeaveDelay + milliseconds(500));
  for (int i = 0; i < 400; ++i) add("new" + std::to_string(i));
  pass(seconds(2));
  const Told batches = told();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(std::count(batches[0].begin(), batches[0].end(), '+'), 100);
  EXPECT_EQ(std::count(batches[0].begin(), batches[0].end(), '-'), 100);
  EXPECT_LT(batches[0].rfind('+'), batches[0].find('-'));
  EXPECT_EQ(metrics_.presence_changes_dropped_total, 350U);
}

TEST_F(PresenceBounds, OfTheLeavesOfAnIntervalSoManyAreKept) {
  for (int i = 0; i < 700; ++i) add("c" + std::to_string(i));
  pass(seconds(2));
  const std::uint64_t before = metrics_.presence_changes_dropped_total;
  for (int i = 0; i < 300; ++i) remove("c" + std::to_string(i));
  EXPECT_EQ(metrics_.presence_changes_dropped_total - before, 100U);
  EXPECT_EQ(table_.size(), 600U);
  // Who comes back makes room.
  add("c0");
  remove("c600");
  remove("c601");
  EXPECT_EQ(metrics_.presence_changes_dropped_total - before, 101U);
  pass(PresenceTable::kAnnounceInterval);
  for (int i = 300; i < 400; ++i) remove("c" + std::to_string(i));
  EXPECT_EQ(metrics_.presence_changes_dropped_total - before, 101U);
}

TEST_F(PresenceBounds, AFullTableRefusesAndCounts) {
  PresenceTable table({.members = 2}, metrics_);
  const auto join = [&](Bytes client) {
    return table.add("room", 0, {"u", client}, kAnnounced, now_);
  };
  EXPECT_TRUE(join("c1"));
  EXPECT_TRUE(join("c2"));
  EXPECT_FALSE(join("c3"));
  EXPECT_EQ(metrics_.presence_refused_total, 1U);
  EXPECT_TRUE(join("c2"));
  EXPECT_EQ(table.counts("room").clients, 2U);
  table.remove("room", "c3", now_);
  EXPECT_EQ(table.counts("room").clients, 2U);
  table.remove("room", "c1", now_);
  EXPECT_TRUE(join("c3"));
}

TEST_F(PresenceBounds, WhoHasLeftGivesUpItsRecordToANewcomer) {
  PresenceTable table({.members = 2}, metrics_);
  const auto join = [&](Bytes channel, Bytes client) {
    return table.add(channel, 0, {"u", client}, kAnnounced, now_);
  };
  std::string told;
  const auto tell = [&](Bytes, std::span<const PresenceChange> changes) {
    for (const PresenceChange& change : changes) told += change.member.client;
  };
  EXPECT_TRUE(join("a", "c1"));
  EXPECT_TRUE(join("b", "c2"));
  table.announce(now_ + seconds(2), tell);
  EXPECT_EQ(told, "c1c2");
  now_ = now_ + seconds(3);
  table.remove("a", "c1", now_);
  table.remove("b", "c2", now_);
  EXPECT_TRUE(join("a", "c3"));  // c1's record, and with it the channel's
  EXPECT_EQ(table.counts("a"), (PresenceCounts{1, 1}));
  EXPECT_EQ(metrics_.presence_changes_dropped_total, 1U);
  EXPECT_TRUE(join("a", "c4"));  // c2's
  EXPECT_FALSE(join("a", "c5"));
  EXPECT_EQ(table.channels(), 1U);
  told.clear();
  table.announce(now_ + seconds(20), tell);
  EXPECT_EQ(told, "c3c4");
  EXPECT_EQ(table.next_due(), Instant::never());
}

TEST_F(PresenceBounds, ACallTellsSoManyBatchesAndLeavesTheRestDue) {
  for (std::size_t i = 0; i < PresenceTable::kMaxBatchesPerCall + 10; ++i) {
    add("c", "u", kAnnounced, "ch" + std::to_string(i));
  }
  now_ = now_ + seconds(1);
  announce();
  EXPECT_EQ(told().size(), PresenceTable::kMaxBatchesPerCall);
  EXPECT_LE(table_.next_due(), now_);
  announce();
  EXPECT_EQ(told().size(), 10U);
  EXPECT_EQ(table_.next_due(), Instant::never());
}

}  // namespace
}  // namespace millrace

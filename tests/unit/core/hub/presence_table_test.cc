#include "core/hub/presence_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/core/hub/presence_world.h"

namespace millrace {
namespace {

using PresenceTableTest = PresenceWorld;

TEST_F(PresenceTableTest, CountsClientsAndUsersAtOnce) {
  EXPECT_EQ(table_.counts("room"), PresenceCounts());
  EXPECT_TRUE(add("c1", "alice"));
  EXPECT_TRUE(add("c2", "alice"));
  EXPECT_TRUE(add("c3", "bob"));
  EXPECT_EQ(table_.counts("room"), (PresenceCounts{3, 2}));
  EXPECT_EQ(table_.counts("rooms"), PresenceCounts());
  remove("c1");
  EXPECT_EQ(table_.counts("room"), (PresenceCounts{2, 2}));
  remove("c2");
  EXPECT_EQ(table_.counts("room"), (PresenceCounts{1, 1}));
  EXPECT_EQ(metrics_.presence_members, 1U);
  remove("c3");
  EXPECT_EQ(table_.counts("room"), PresenceCounts());
  EXPECT_EQ(metrics_.presence_members, 0U);
}

TEST_F(PresenceTableTest, AllWhoAreNobodyAreOneUser) {
  add("c1", "");
  add("c2", "");
  add("c3", "alice");
  EXPECT_EQ(table_.counts("room"), (PresenceCounts{3, 2}));
  remove("c1");
  EXPECT_EQ(table_.counts("room"), (PresenceCounts{2, 2}));
  remove("c2");
  EXPECT_EQ(table_.counts("room"), (PresenceCounts{1, 1}));
}

TEST_F(PresenceTableTest, TellsItsUsersOnceUnlessTheyAreTooMany) {
  const auto users = [this](std::size_t most) {
    std::vector<std::string> ids;
    for (const Bytes id : table_.users("room", most)) ids.emplace_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  EXPECT_TRUE(users(9).empty());
  for (const Bytes client : {"c1", "c2", "c3"}) add(client, "alice");
  add("c4", "");
  add("c5", "bob");
  EXPECT_EQ(users(3), (std::vector<std::string>{"", "alice", "bob"}));
  EXPECT_TRUE(users(2).empty());
  remove("c5");
  EXPECT_EQ(users(2), (std::vector<std::string>{"", "alice"})) << "who waits to be told has gone";
}

TEST_F(PresenceTableTest, ChannelsAreApart) {
  add("c1", "alice", kAnnounced, "a");
  add("c1", "alice", kAnnounced, "b");
  add("c1", "alice", kAnnounced, "");
  remove("c1", "a");
  EXPECT_EQ(table_.counts("a"), PresenceCounts());
  EXPECT_EQ(table_.counts("b"), (PresenceCounts{1, 1}));
  EXPECT_EQ(table_.counts(""), (PresenceCounts{1, 1}));
}

TEST_F(PresenceTableTest, ListsMembersWithTheirInfos) {
  const ClientInfo alice{"alice", "c1", "{\"a\":1}", "[2]"};
  const ClientInfo nobody{"", "c2", "", ""};
  ASSERT_TRUE(table_.add("room", 0, alice, kAnnounced, now_));
  ASSERT_TRUE(table_.add("room", 1, nobody, kSilent, now_));
  auto members = table_.members("room", 10);
  std::sort(members.begin(), members.end(),
            [](const ClientInfo& a, const ClientInfo& b) { return a.client < b.client; });
  EXPECT_EQ(members, (std::vector<ClientInfo>{alice, nobody}));
  EXPECT_EQ(table_.members("room", 2).size(), 2U);
  EXPECT_EQ(table_.members("room", 1).size(), 1U);
  EXPECT_EQ(table_.members("room", 0).size(), 0U);
  EXPECT_EQ(table_.members("other", 10).size(), 0U);
  pass(seconds(2));
  remove("c1");
  EXPECT_EQ(table_.members("room", 10), (std::vector<ClientInfo>{nobody}));
}

TEST_F(PresenceTableTest, AClientThatIsThereGetsTheNewInfo) {
  ASSERT_TRUE(table_.add("room", 0, {"alice", "c1", "1", "2"}, kAnnounced, now_));
  pass(seconds(2));
  told();
  const ClientInfo renewed{"bob", "c1", "33", ""};
  ASSERT_TRUE(table_.add("room", 4, renewed, kAnnounced, now_));
  EXPECT_EQ(table_.members("room", 10), (std::vector<ClientInfo>{renewed}));
  EXPECT_EQ(table_.counts("room"), (PresenceCounts{1, 1}));
  pass(seconds(10));
  EXPECT_EQ(told(), Told());
  table_.drop_origin(0, now_);
  EXPECT_EQ(table_.counts("room").clients, 1U);
  table_.drop_origin(4, now_);
  EXPECT_EQ(table_.counts("room").clients, 0U);
  pass(seconds(10));
  EXPECT_EQ(told(), (Told{"-c1"}));
}

TEST_F(PresenceTableTest, RemovingWhoIsNotThereDoesNothing) {
  remove("c1");
  add("c1");
  remove("c2");
  remove("c1", "other");
  EXPECT_EQ(table_.counts("room").clients, 1U);
  pass(seconds(2));
  remove("c1");
  remove("c1");
  EXPECT_EQ(table_.counts("room"), PresenceCounts());
  pass(seconds(10));
  EXPECT_EQ(told(), (Told{"+c1", "-c1"}));
}

TEST_F(PresenceTableTest, AJoinIsToldAnIntervalAfterIt) {
  EXPECT_EQ(table_.next_due(), Instant::never());
  add("c1");
  const Instant due = now_ + PresenceTable::kAnnounceInterval;
  EXPECT_EQ(table_.next_due(), due);
  now_ = due - nanoseconds(1);
  announce();
  EXPECT_EQ(told(), Told());
  now_ = due;
  announce();
  EXPECT_EQ(told(), (Told{"+c1"}));
  EXPECT_EQ(table_.next_due(), Instant::never());
  EXPECT_EQ(metrics_.presence_batches_total, 1U);
  EXPECT_EQ(metrics_.presence_changes_total, 1U);
}

TEST_F(PresenceTableTest, ALeaveIsToldAfterItsDelay) {
  add("c1");
  pass(seconds(3));
  told();
  remove("c1");
  const Instant left = now_;
  EXPECT_EQ(table_.counts("room"), PresenceCounts());
  EXPECT_EQ(table_.next_due(), left + PresenceTable::kLeaveDelay);
  pass(PresenceTable::kLeaveDelay + PresenceTable::kAnnounceInterval - milliseconds(10));
  EXPECT_EQ(told(), Told());
  pass(milliseconds(10));
  EXPECT_EQ(told(), (Told{"-c1"}));
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_EQ(table_.channels(), 0U);
}

TEST_F(PresenceTableTest, WhoComesAndGoesWithinABatchIsNotTold) {
  add("c1");
  add("c2");
  for (int i = 0; i < 10; ++i) {
    pass(milliseconds(40));
    remove("c1");
    EXPECT_EQ(table_.counts("room").clients, 1U);
    add("c1");
  }
  remove("c1");
  pass(seconds(20));
  EXPECT_EQ(told(), (Told{"+c2"}));
}

TEST_F(PresenceTableTest, ABatchOfNothingIsNotTold) {
  add("c1");
  remove("c1");
  EXPECT_EQ(table_.channels(), 0U);
  EXPECT_EQ(table_.next_due(), Instant::never());
  add("c2", "u", kSilent);
  add("c1");
  remove("c1");
  pass(seconds(20));
  EXPECT_EQ(told(), Told());
  EXPECT_EQ(metrics_.presence_batches_total, 0U);
}

TEST_F(PresenceTableTest, WhoGoesAndComesBackIsNotTold) {
  add("c1");
  pass(seconds(2));
  EXPECT_EQ(told(), (Told{"+c1"}));
  for (int i = 0; i < 5; ++i) {
    remove("c1");
    EXPECT_EQ(table_.counts("room").clients, 0U);
    pass(seconds(4));
    add("c1");
    pass(seconds(4));
  }
  EXPECT_EQ(told(), Told());
  // Even while the batch with its leave is open.
  remove("c1");
  pass(PresenceTable::kLeaveDelay + milliseconds(500));
  add("c1");
  pass(seconds(10));
  EXPECT_EQ(told(), Told());
  EXPECT_EQ(table_.counts("room"), (PresenceCounts{1, 1}));
}

TEST_F(PresenceTableTest, TheNewClientOfAUserIsToldBeforeTheOldOneLeaves) {
  add("old", "alice");
  pass(seconds(2));
  told();
  remove("old");
  // The last moments: the join and the leave are in one batch.
  pass(PresenceTable::kLeaveDelay + milliseconds(900));
  add("new", "alice");
  pass(seconds(10));
  EXPECT_EQ(told(), (Told{"+new-old"}));
  remove("new");
  add("newer", "alice");
  pass(seconds(10));
  EXPECT_EQ(told(), (Told{"+newer", "-new"}));
}

TEST_F(PresenceTableTest, NoChannelIsToldMoreThanOnceAnInterval) {
  for (int i = 0; i < 400; ++i) {
    add("in" + std::to_string(i));
    if (i >= 50) remove("in" + std::to_string(i - 50));
    pass(milliseconds(30));
  }
  ASSERT_GT(told_at_.size(), 10U);
  for (std::size_t i = 1; i < told_at_.size(); ++i) {
    EXPECT_GE(told_at_[i] - told_at_[i - 1], PresenceTable::kAnnounceInterval) << i;
  }
}

TEST_F(PresenceTableTest, AnIntervalLiesBetweenBatchesEvenIfTheFirstIsLate) {
  add("c1");
  now_ = now_ + seconds(60);
  announce();
  add("c2");
  now_ = now_ + PresenceTable::kAnnounceInterval - nanoseconds(1);
  announce();
  EXPECT_EQ(told(), (Told{"+c1"}));
  now_ = now_ + nanoseconds(1);
  announce();
  EXPECT_EQ(told(), (Told{"+c2"}));
}

TEST_F(PresenceTableTest, MembersThatDoNotAnnounceAreNeverTold) {
  add("c1", "u", kSilent);
  add("c2");
  pass(seconds(2));
  EXPECT_EQ(told(), (Told{"+c2"}));
  remove("c1");
  pass(seconds(10));
  EXPECT_EQ(told(), Told());
  // Options may change under a member; who becomes silent while its join waits is not told.
  add("c3");
  add("c3", "u", kSilent);
  pass(seconds(2));
  remove("c3");
  pass(seconds(10));
  EXPECT_EQ(told(), Told());
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(PresenceTableTest, WhoWasListedBeforeItsJoinWasToldIsToldToLeave) {
  add("c1");
  EXPECT_EQ(table_.members("room", 10).size(), 1U);
  add("c2");
  add("c1", "u");  // told anew, and as known as before
  remove("c1");
  remove("c2");
  pass(seconds(10));
  EXPECT_EQ(told(), (Told{"-c1"}));
}

TEST_F(PresenceTableTest, WhoWasListedAndIsBackIsToldToJoin) {
  add("c1");
  EXPECT_EQ(table_.members("room", 10).size(), 1U);
  remove("c1");
  pass(seconds(3));
  add("c1");
  pass(seconds(10));
  EXPECT_EQ(told(), (Told{"+c1"}));
}

TEST_F(PresenceTableTest, WhenAnOriginIsGoneItsMembersLeave) {
  add("c1", "alice", kAnnounced, "a", 1);
  add("c2", "alice", kAnnounced, "a", 2);
  add("c3", "bob", kAnnounced, "b", 1);
  pass(seconds(2));
  told();
  table_.drop_origin(3, now_);
  table_.drop_origin(1, now_);
  EXPECT_EQ(table_.counts("a"), (PresenceCounts{1, 1}));
  EXPECT_EQ(table_.counts("b"), PresenceCounts());
  // It is back with one of them.
  add("c3", "bob", kAnnounced, "b", 1);
  pass(seconds(10));
  EXPECT_EQ(told(), (Told{"a:-c1"}));
}

TEST_F(PresenceTableTest, TimeThatGoesBackChangesNoOrder) {
  add("c1", "u", kAnnounced, "a");
  EXPECT_TRUE(table_.add("b", 0, {"u", "c2"}, kAnnounced, now_ - seconds(100)));
  EXPECT_EQ(table_.next_due(), now_ + PresenceTable::kAnnounceInterval);
  pass(seconds(1));
  EXPECT_EQ(told(), (Told{"a:+c1", "b:+c2"}));
}

TEST_F(PresenceTableTest, TheCallbackMustNotCallTheTable) {
  add("c1");
  now_ = now_ + seconds(1);
  EXPECT_DEATH(table_.announce(now_, [this](Bytes, auto) { remove("c1"); }), "CHECK failed");
}

}  // namespace
}  // namespace millrace

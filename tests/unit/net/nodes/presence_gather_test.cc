#include "net/nodes/presence_gather.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/hub/presence_bytes.h"
#include "tests/support/gather_world.h"

namespace millrace {
namespace {

struct PresenceGatherTest : testing::Test, GatherWorld {};

using Told = std::vector<std::string>;

TEST_F(PresenceGatherTest, WithoutOthersTheAnswerIsThereAtOnce) {
  ask(1);
  EXPECT_EQ(told, Told{"1 room counts 0"});
  EXPECT_TRUE(questions().empty());
}

TEST_F(PresenceGatherTest, AllAreAskedAndPutTogether) {
  know(3);
  ask(1);
  const auto asked = questions();
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[0].data, presence_question_json("room", true));
  reply(asked[1], counts(5, {1, 2}));
  reply(asked[0], counts(2, {2}));
  EXPECT_TRUE(told.empty());
  reply(asked[2], counts(1, {9}));
  EXPECT_EQ(told, Told{"1 room counts 8"});
  EXPECT_EQ(last.users, (std::vector<std::uint64_t>{1, 2, 9}));
  EXPECT_EQ(last.users_apart, 0U);
}

TEST_F(PresenceGatherTest, UsersWithoutDigestsAreApart) {
  know(2);
  ask(1);
  const auto asked = questions();
  reply(asked[0], presence_counts_json({9'000, 8'000}, {}));
  reply(asked[1], counts(1, {9}));
  EXPECT_EQ(last.users_apart, 8'000U);
  EXPECT_EQ(last.users, (std::vector<std::uint64_t>{9}));
}

TEST_F(PresenceGatherTest, ListsAndCountsAreAskedApart) {
  know(1);
  ask(1, "room", true);
  ask(2, "room", false);
  ask(3, "hall", false);
  const auto asked = questions();
  ASSERT_EQ(asked.size(), 3U);
  reply(asked[1], presence_list_json({2, 1}, std::vector<ClientInfo>{{.client = "x"}}));
  EXPECT_EQ(told, Told{"2 room list 2"});
  EXPECT_EQ(unpack_members(last.members).size(), 1U);
  EXPECT_EQ(gather->under_way(), 2U);
}

TEST_F(PresenceGatherTest, WhoComesLaterGetsTheSameAnswer) {
  know(1);
  ask(1);
  const auto asked = questions();
  ask(2);
  EXPECT_TRUE(questions().empty());
  reply(asked[0], counts(1, {1}));
  EXPECT_EQ(told, (Told{"1 room counts 1", "2 room counts 1"}));
  ask(3);
  EXPECT_EQ(told.size(), 3U) << "it is kept";
  turn(PresenceGather::kKept + milliseconds(5));
  EXPECT_EQ(gather->kept(), 0U);
  ask(4);
  EXPECT_EQ(questions().size(), 1U);
}

TEST_F(PresenceGatherTest, SilenceIsNoAnswerAndIsKept) {
  know(2);
  ask(1);
  const auto asked = questions();
  reply(asked[0], counts(1, {1}));
  turn(PresenceGather::kPatience + milliseconds(5));
  EXPECT_EQ(told, Told{"1 room counts none"});
  EXPECT_EQ(metrics.presence_gathers_failed_total, 1U);
  ask(2);
  EXPECT_EQ(told.back(), "2 room counts none");
  reply(asked[1], counts(1, {1}));  // too late for anybody
  turn(PresenceGather::kKept + milliseconds(5));
  ask(3);
  EXPECT_EQ(questions().size(), 2U);
}

TEST_F(PresenceGatherTest, OneWhoCantTellMakesAnEndAtOnce) {
  know(2);
  ask(1);
  const auto asked = questions();
  reply(asked[0], presence_unavailable_json());
  EXPECT_EQ(told, Told{"1 room counts none"});
  reply(asked[1], counts(1, {1}));
  EXPECT_EQ(told.size(), 1U);
}

TEST_F(PresenceGatherTest, ANodeThatIsGoneIsNotMissed) {
  know(1);
  const NodeId gone = directory.others()[0].id;
  ask(1);
  const auto asked = questions();
  directory.heard({.id = gone, .number = 2, .goodbye = true}, now);
  link->bring(inbox, {.subject = asked[0].reply, .data = "", .headers = {{"Status", "503"}}});
  turn();
  EXPECT_EQ(told, Told{"1 room counts 0"});
}

TEST_F(PresenceGatherTest, NobodyListensThereIsNoAnswerWhileTheNodeIsKnown) {
  know(1);
  ask(1);
  const auto asked = questions();
  link->bring(inbox, {.subject = asked[0].reply, .data = "", .headers = {{"Status", "503"}}});
  turn();
  EXPECT_EQ(told, Told{"1 room counts none"});
}

TEST_F(PresenceGatherTest, BeforeTheDirectoryHasSettledItWaits) {
  know(1);
  directory.hears(true, now);
  ask(1);
  ask(2, "hall");
  EXPECT_TRUE(questions().empty());
  turn(NodeDirectory::kSettle + milliseconds(5));
  EXPECT_EQ(questions().size(), 2U);
  EXPECT_TRUE(told.empty());
}

TEST_F(PresenceGatherTest, WhenItNeverSettlesThereIsNoAnswer) {
  know(1);
  directory.hears(true, now);
  ask(1);
  turn(milliseconds(100));
  directory.hears(false, now);
  ask(2, "hall");
  EXPECT_EQ(told, Told{"2 hall counts none"});
  turn(PresenceGather::kPatience);
  EXPECT_EQ(told.size(), 2U);
}

TEST_F(PresenceGatherTest, WhoIsToldMayAskAgain) {
  then = [this] { ask(2, "hall"); };
  ask(1);
  EXPECT_EQ(told, (Told{"1 room counts 0", "2 hall counts 0"}));
}

TEST_F(PresenceGatherTest, ItEndsWithQuestionsOut) {
  know(2);
  ask(1);
  const auto asked = questions();
  gather.reset();
  reply(asked[0], counts(1, {1}));
  EXPECT_TRUE(told.empty());
}

TEST_F(PresenceGatherTest, AListIsCutAtItsBytes) {
  know(2);
  ask(1, "room", false);
  const auto asked = questions();
  std::vector<std::string> ids;
  for (int i = 0; i < 500; ++i) ids.push_back("client-" + std::to_string(i));
  std::vector<ClientInfo> members;
  for (const std::string& id : ids) members.push_back({.client = id});
  reply(asked[0], presence_list_json({500, 1}, members));
  reply(asked[1], presence_list_json({500, 1}, members));
  EXPECT_EQ(last.clients, 1'000U);
  EXPECT_LT(last.listed, 1'000U);
  EXPECT_GT(last.listed, 600U);
  EXPECT_EQ(unpack_members(last.members).size(), last.listed);
}

}  // namespace
}  // namespace millrace

#include "net/api/api_desk.h"

#include <gtest/gtest.h>

#include "tests/support/api_world.h"

namespace millrace {
namespace {

class ApiDeskTest : public ::testing::Test {
 protected:
  ApiWorld world_;
};

TEST_F(ApiDeskTest, APublicationIsToldItsPosition) {
  const FileSlot file = world_.open_as("ann", 1);
  world_.ask(file, SessionWorld::subscribe(2, "kept:a"), 1);
  const std::string first = world_.call(ApiMethod::kPublish, R"({"channel":"kept:a","data":1})");
  EXPECT_TRUE(first.starts_with(R"({"result":{"offset":1,"epoch":")")) << first;
  EXPECT_EQ(world_.call(ApiMethod::kPublish, R"({"channel":"plain","data":1})"),
            R"({"result":{}})");
  EXPECT_EQ(
      world_.call(ApiMethod::kPublish, R"({"channel":"kept:a","data":2,"skip_history":true})"),
      R"({"result":{}})");
  const std::string third = world_.call(ApiMethod::kPublish, R"({"channel":"kept:a","data":3})", 1);
  EXPECT_TRUE(third.starts_with(R"({"result":{"offset":2,)")) << third;
  EXPECT_EQ(count_of(world_.heard(file, 1), R"("pub":)"), 3U) << "and nobody has missed anything";
}

TEST_F(ApiDeskTest, PayloadsAreWhatTheNamespaceTakes) {
  EXPECT_EQ(world_.code(ApiMethod::kPublish, R"({"channel":"kept:a","b64data":"eA=="})"), 107U);
  EXPECT_EQ(world_.code(ApiMethod::kPublish, R"({"channel":"kept:a","b64data":"WzFd"})"), 0U);
  EXPECT_EQ(world_.code(ApiMethod::kPublish, R"({"channel":"bin:a","b64data":"eA=="})"), 0U);
  const std::string kept = world_.call(ApiMethod::kHistory, R"({"channel":"bin:a","limit":9})");
  EXPECT_TRUE(holds(kept, R"([{"b64data":"eA==","offset":1}])")) << kept;
  EXPECT_EQ(world_.code(ApiMethod::kPublish, R"({"channel":"none:a","data":1})"), 102U);
}

TEST_F(ApiDeskTest, AKeyIsTheSameOnEveryShard) {
  const FileSlot file = world_.open_as("ann");
  world_.ask(file, SessionWorld::subscribe(2, "kept:a"));
  const std::string order = R"({"channel":"kept:a","data":1,"idempotency_key":"k"})";
  const std::uint64_t one = world_.begin(ApiMethod::kPublish, order, 0);
  const std::uint64_t other = world_.begin(ApiMethod::kPublish, order, 1);
  world_.turn();
  EXPECT_TRUE(world_.answer(one).starts_with(R"({"result":{"offset":1,)"));
  EXPECT_EQ(world_.answer(other), world_.answer(one));
  EXPECT_EQ(world_.call(ApiMethod::kPublish, order, 1), world_.answer(one));
  EXPECT_EQ(count_of(world_.heard(file), R"("pub":)"), 1U);
  EXPECT_EQ(world_.metrics(0).api_publishes_total + world_.metrics(1).api_publishes_total, 1U);
  world_.advance(KeyedPublications::kKeyAge);
  EXPECT_TRUE(world_.call(ApiMethod::kPublish, order).starts_with(R"({"result":{"offset":)"));
}

TEST_F(ApiDeskTest, HistoryAndItsRemoval) {
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(world_.code(ApiMethod::kPublish,
                          R"({"channel":"kept:a","data":)" + std::to_string(i) + "}"),
              0U);
  }
  const std::string all = world_.call(ApiMethod::kHistory, R"({"channel":"kept:a","limit":-1})", 1);
  EXPECT_EQ(count_of(all, R"({"data":)"), 3U) << all;
  const std::string epoch = SessionWorld::value_of(all, "epoch");
  const std::string some = world_.call(
      ApiMethod::kHistory,
      R"({"channel":"kept:a","limit":1,"since":{"offset":1,"epoch":")" + epoch + R"("}})");
  EXPECT_TRUE(holds(some, R"([{"data":2,"offset":2}])")) << some;
  EXPECT_EQ(world_.code(ApiMethod::kHistory,
                        R"({"channel":"kept:a","limit":1,"since":{"offset":1,"epoch":"x"}})"),
            112U);
  EXPECT_EQ(world_.code(ApiMethod::kHistory,
                        R"({"channel":"kept:a","reverse":true,"since":{"offset":0,"epoch":")" +
                            epoch + R"("}})"),
            107U);
  EXPECT_EQ(world_.code(ApiMethod::kHistory, R"({"channel":"plain"})"), 108U);
  EXPECT_EQ(world_.call(ApiMethod::kHistoryRemove, R"({"channel":"kept:a"})"), R"({"result":{}})");
  const std::string left = world_.call(ApiMethod::kHistory, R"({"channel":"kept:a","limit":-1})");
  EXPECT_EQ(left, R"({"result":{"publications":[],"epoch":")" + epoch + R"(","offset":3}})");
  EXPECT_EQ(world_.code(ApiMethod::kHistoryRemove, R"({"channel":"plain"})"), 108U);
}

TEST_F(ApiDeskTest, Presence) {
  const FileSlot file = world_.open_as("ann", 1);
  world_.ask(file, SessionWorld::subscribe(2, "room:a"), 1);
  EXPECT_EQ(world_.call(ApiMethod::kPresenceStats, R"({"channel":"room:a"})"),
            R"({"result":{"num_clients":1,"num_users":1}})");
  const std::string all = world_.call(ApiMethod::kPresence, R"({"channel":"room:a"})");
  EXPECT_TRUE(holds(all, R"("user":"ann")")) << all;
  EXPECT_EQ(world_.code(ApiMethod::kPresence, R"({"channel":"plain"})"), 108U);
}

TEST_F(ApiDeskTest, WhatIsNoCallIsCountedAsAnError) {
  EXPECT_TRUE(world_.call(ApiMethod::kPublish, "{").starts_with("malformed: "));
  EXPECT_EQ(world_.metrics().api_calls_total, 1U);
  EXPECT_EQ(world_.metrics().api_errors_total, 1U);
  EXPECT_EQ(world_.shard().api().calls(), 0U);
}

TEST_F(ApiDeskTest, BeyondItsCallsItIsBusy) {
  // Nobody turns, so a call that all shards carry out waits.
  std::uint64_t last = 0;
  for (std::size_t i = 0; i <= ApiDesk::kMaxCalls; ++i) {
    last = world_.begin(ApiMethod::kDisconnect, R"({"user":"u"})");
  }
  EXPECT_EQ(world_.shard().api().calls(), ApiDesk::kMaxCalls);
  EXPECT_TRUE(world_.answer(last).starts_with(R"({"error":{"code":111,)"));
  EXPECT_EQ(world_.answer(last - 1), "");
  world_.turn();
  world_.turn();
  EXPECT_EQ(world_.shard().api().calls(), 0U);
  EXPECT_EQ(world_.answer(last - 1), R"({"result":{}})");
}

}  // namespace
}  // namespace millrace

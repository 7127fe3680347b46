#include "net/api/api_orders.h"

#include <gtest/gtest.h>

#include "tests/support/api_world.h"

namespace millrace {
namespace {

class ApiOrdersTest : public ::testing::Test {
 protected:
  ApiWorld world_;
};

TEST_F(ApiOrdersTest, PartsAreOfThoseThatAllShardsCarryOut) {
  EXPECT_EQ(ApiOrders::parts(ApiMethod::kPublish), 0U);
  EXPECT_EQ(ApiOrders::parts(ApiMethod::kRevoke), 0U);
  EXPECT_EQ(ApiOrders::parts(ApiMethod::kDisconnect), 1U);
  EXPECT_EQ(ApiOrders::parts(ApiMethod::kInfo), 2U);
}

TEST_F(ApiOrdersTest, ASubscriptionReachesTheUserOnEveryShard) {
  const FileSlot one = world_.open_as("ann", 0);
  const FileSlot other = world_.open_as("ann", 1);
  const FileSlot ben = world_.open_as("ben", 1);
  const std::string order = R"({"user":"ann","channel":"kept:a","data":{"d":1},"info":7})";
  EXPECT_EQ(world_.call(ApiMethod::kSubscribe, order), R"({"result":{}})");
  for (const auto& [file, shard] : {std::pair{one, 0}, std::pair{other, 1}}) {
    const std::string heard = world_.heard(file, static_cast<std::size_t>(shard));
    EXPECT_TRUE(heard.starts_with(R"({"push":{"channel":"kept:a","subscribe":{)")) << heard;
    EXPECT_TRUE(holds(heard, R"("recoverable":true)")) << heard;
    EXPECT_TRUE(holds(heard, R"("data":{"d":1})")) << heard;
  }
  EXPECT_EQ(world_.heard(ben, 1), "");
  EXPECT_EQ(world_.code(ApiMethod::kPublish, R"({"channel":"kept:a","data":1})", 1), 0U);
  EXPECT_TRUE(holds(world_.heard(one), R"("pub":{"data":1)"));
  EXPECT_TRUE(holds(world_.heard(other, 1), R"("pub":{"data":1)"));
  EXPECT_EQ(world_.call(ApiMethod::kSubscribe, order), R"({"result":{}})");
  EXPECT_EQ(world_.heard(one), "") << "once more changes nothing";
  EXPECT_EQ(world_.call(ApiMethod::kUnsubscribe, R"({"user":"ann","channel":"kept:a"})", 1),
            R"({"result":{}})");
  EXPECT_TRUE(holds(world_.heard(one), R"("unsubscribe":{"code":2000)"));
  EXPECT_TRUE(holds(world_.heard(other, 1), R"("unsubscribe":{"code":2000)"));
}

TEST_F(ApiOrdersTest, OneClientOnly) {
  const FileSlot one = world_.open_websocket();
  const std::string reply = world_.ask(one, SessionWorld::connect(SessionWorld::lasting("ann")));
  const std::string client = SessionWorld::value_of(reply, "client");
  const FileSlot other = world_.open_as("ann");
  const std::string who = R"({"user":"ann","client":")" + client + "\"";
  EXPECT_EQ(world_.code(ApiMethod::kDisconnect, who + R"(,"session":"x"})"), 0U);
  EXPECT_EQ(world_.heard(one), "") << "nobody has that session";
  const std::string bye = R"(,"disconnect":{"code":4000,"reason":"bye"}})";
  EXPECT_EQ(world_.code(ApiMethod::kDisconnect, who + bye), 0U);
  EXPECT_EQ(world_.heard(one), "4000 bye");
  EXPECT_EQ(world_.heard(other), "");
}

TEST_F(ApiOrdersTest, TheWhitelistStays) {
  const FileSlot one = world_.open_websocket();
  const std::string reply = world_.ask(one, SessionWorld::connect(SessionWorld::lasting("ann")));
  const FileSlot other = world_.open_as("ann", 1);
  EXPECT_EQ(
      world_.code(ApiMethod::kDisconnect, R"({"user":"ann","whitelist":[")" +
                                              SessionWorld::value_of(reply, "client") + R"("]})"),
      0U);
  EXPECT_EQ(world_.heard(one), "");
  EXPECT_EQ(world_.heard(other, 1), "3503 force disconnect");
}

TEST_F(ApiOrdersTest, ARefreshSetsTheEnd) {
  const FileSlot file = world_.open_with(world_.token("ann", 10));
  const std::string later = std::to_string(world_.calendar() + 1'000);
  EXPECT_EQ(world_.code(ApiMethod::kRefresh, R"({"user":"ann","expire_at":)" + later + "}", 1), 0U);
  EXPECT_EQ(world_.heard(file), R"({"push":{"refresh":{"expires":true,"ttl":1000}}})");
  EXPECT_EQ(world_.code(ApiMethod::kRefresh, R"({"user":"ann"})"), 0U);
  EXPECT_EQ(world_.heard(file), R"({"push":{"refresh":{}}})") << "it never ends";
  EXPECT_EQ(world_.code(ApiMethod::kRefresh, R"({"user":"ann","expired":true})"), 0U);
  EXPECT_TRUE(world_.heard(file).starts_with("3005 "));
}

TEST_F(ApiOrdersTest, CountsAreOfAllShards) {
  const FileSlot one = world_.open_as("ann", 0);
  const FileSlot other = world_.open_as("ann", 1);
  world_.open_as("ben", 1);
  world_.ask(one, SessionWorld::subscribe(2, "news"));
  world_.ask(other, SessionWorld::subscribe(2, "news"), 1);
  const std::string info = world_.call(ApiMethod::kInfo, "");
  EXPECT_TRUE(holds(info, R"("num_clients":3,"num_users":2,"num_channels":1,"num_subs":2)"))
      << info;
  EXPECT_EQ(world_.call(ApiMethod::kChannels, "{}", 1),
            R"({"result":{"channels":{"news":{"num_clients":2}}}})");
}

TEST_F(ApiOrdersTest, WhatFailsAtOneSessionIsTold) {
  ClientShardOptions options = SessionWorld::options();
  options.hub.channels_per_subscriber = 1;
  ApiWorld world(2, options);
  const FileSlot file = world.open_as("ann", 1);
  EXPECT_EQ(world.code(ApiMethod::kSubscribe, R"({"user":"ann","channel":"a"})"), 0U);
  EXPECT_EQ(world.code(ApiMethod::kSubscribe, R"({"user":"ann","channel":"b"})"), 106U);
  EXPECT_TRUE(holds(world.heard(file, 1), R"("channel":"a")"));
}

}  // namespace
}  // namespace millrace

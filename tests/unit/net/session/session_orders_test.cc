#include "net/session/session_orders.h"

#include <gtest/gtest.h>

#include "tests/support/api_world.h"

namespace millrace {
namespace {

class SessionOrdersTest : public ::testing::Test {
 protected:
  unsigned grant(const std::string& channel, const std::string& more = "") {
    return world_.code(ApiMethod::kSubscribe,
                       R"({"user":"ann","channel":")" + channel + "\"" + more + "}");
  }
  unsigned take(const std::string& channel) {
    return world_.code(ApiMethod::kUnsubscribe, R"({"user":"ann","channel":")" + channel + "\"}");
  }

  static ClientShardOptions options() {
    ClientShardOptions options = SessionWorld::options();
    options.sessions.subscription_grace = seconds(1);
    return options;
  }

  ApiWorld world_{1, options()};
};

TEST_F(SessionOrdersTest, AGrantRecoversSinceAPosition) {
  const FileSlot file = world_.open_as("ann");
  const std::string first = world_.call(ApiMethod::kPublish, R"({"channel":"kept:a","data":1})");
  world_.call(ApiMethod::kPublish, R"({"channel":"kept:a","data":2})");
  const std::string epoch = SessionWorld::value_of(first, "epoch");
  EXPECT_EQ(grant("kept:a", R"(,"recover_since":{"offset":1,"epoch":")" + epoch + "\"}"), 0U);
  const std::string heard = world_.heard(file);
  EXPECT_TRUE(heard.starts_with(R"({"push":{"channel":"kept:a","subscribe":{)")) << heard;
  EXPECT_EQ(count_of(heard, R"("pub":)"), 1U) << heard;
  EXPECT_TRUE(holds(heard, R"("pub":{"data":2,"offset":2)")) << heard;
}

TEST_F(SessionOrdersTest, AGrantEndsWithItsTime) {
  const FileSlot file = world_.open_as("ann");
  const std::string soon = std::to_string(world_.calendar() + 5);
  EXPECT_EQ(grant("a", R"(,"expire_at":)" + soon), 0U);
  EXPECT_TRUE(holds(world_.heard(file), R"("subscribe":{)"));
  world_.advance(seconds(4));
  EXPECT_EQ(world_.heard(file), "");
  world_.advance(seconds(3));
  EXPECT_TRUE(holds(world_.heard(file), R"("unsubscribe":{"code":2501)"));
  EXPECT_EQ(grant("a", R"(,"expire_at":)" + std::to_string(world_.calendar() - 1)), 110U);
}

TEST_F(SessionOrdersTest, WhatAClientCanNotReadIsNotGranted) {
  world_.open_as("ann");
  EXPECT_EQ(grant("bin:a"), 108U);
  EXPECT_EQ(grant("none:a"), 102U);
}

TEST_F(SessionOrdersTest, AClientMayLeaveWhatItWasGranted) {
  const FileSlot file = world_.open_as("ann");
  EXPECT_EQ(grant("room:a"), 0U);
  static_cast<void>(world_.heard(file));
  EXPECT_EQ(world_.ask(file, R"({"id":3,"unsubscribe":{"channel":"room:a"}})"),
            R"({"id":3,"unsubscribe":{}})");
  EXPECT_EQ(world_.call(ApiMethod::kPresenceStats, R"({"channel":"room:a"})"),
            R"({"result":{"num_clients":0,"num_users":0}})");
}

TEST_F(SessionOrdersTest, ARefreshedTokenLeavesWhatWasGranted) {
  const FileSlot file = world_.open_with(world_.token("ann", 100, R"(,"channels":["a"])"));
  EXPECT_EQ(grant("b"), 0U);
  static_cast<void>(world_.heard(file));
  const std::string again = world_.token("ann", 200, R"(,"channels":["a"])");
  EXPECT_TRUE(world_.ask(file, R"({"id":4,"refresh":{"token":")" + again + "\"}}")
                  .starts_with(R"({"id":4,"refresh":{)"));
  const std::string more = world_.token("ann", 300, R"(,"channels":["a","b"])");
  EXPECT_TRUE(
      world_.ask(file, R"({"id":5,"refresh":{"token":")" + more + "\"}}").starts_with("3010 "))
      << "a token with other channels is another matter";
}

TEST_F(SessionOrdersTest, TakesAClientsOwnSubscription) {
  const FileSlot file = world_.open_as("ann");
  world_.ask(file, SessionWorld::subscribe(2, "a"));
  EXPECT_EQ(take("a"), 0U);
  EXPECT_EQ(world_.heard(file), R"({"push":{"channel":"a","unsubscribe":{"code":2000,)"
                                R"("reason":"server unsubscribe"}}})");
  EXPECT_EQ(take("a"), 0U);
  EXPECT_EQ(world_.heard(file), "") << "there is nothing to take";
}

}  // namespace
}  // namespace millrace

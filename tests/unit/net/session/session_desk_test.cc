#include "net/session/session_desk.h"

#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/session_world.h"

namespace millrace {
namespace {

using World = SessionWorld;
using What = Revocation::What;

class SessionDeskTest : public testing::Test {
 protected:
  FileSlot open(const std::string& claims) {
    const FileSlot file = world_.open_websocket();
    const std::string heard = world_.ask(file, World::connect(World::sign(claims)));
    EXPECT_TRUE(heard.starts_with(R"({"id":1,"connect":{)")) << heard;
    return file;
  }
  bool revoke(What what, const std::string& name, std::int64_t before = 0) {
    const bool done = world_.shard()
                          .desk()
                          .revoke({what, name, before, world_.calendar() + 1'000},
                                  world_.calendar(), world_.clock().now())
                          .ok();
    world_.turn();
    return done;
  }
  std::string iat(std::int64_t from_now) {
    return R"(,"iat":)" + std::to_string(world_.calendar() + from_now);
  }
  std::string again(const std::string& claims) {
    return world_.ask(world_.open_websocket(), World::connect(World::sign(claims)));
  }

  World world_;
};

TEST_F(SessionDeskTest, AUserIsEndedAndDoesNotComeBackWithAnOldToken) {
  const std::string old = R"({"sub":"anna")" + iat(-10) + "}";
  const std::string fresh = R"({"sub":"anna")" + iat(0) + "}";
  const FileSlot anna = open(old);
  const FileSlot anna_too = open(R"({"sub":"anna"})");
  const FileSlot anna_anew = open(fresh);
  const FileSlot bert = open(R"({"sub":"bert"})");
  ASSERT_TRUE(revoke(What::kUser, "anna", world_.calendar()));
  EXPECT_EQ(world_.heard(anna), "3500 invalid token");
  EXPECT_EQ(world_.heard(anna_too), "3500 invalid token") << "it does not say when it was issued";
  EXPECT_EQ(world_.heard(anna_anew), "");
  EXPECT_EQ(world_.heard(bert), "");
  EXPECT_EQ(again(old), "3500 invalid token");
  EXPECT_TRUE(holds(again(fresh), "connect"));
}

TEST_F(SessionDeskTest, ATokenIsEndedByItsId) {
  const FileSlot one = open(R"({"sub":"anna","jti":"t1"})");
  const FileSlot other = open(R"({"sub":"anna","jti":"t2"})");
  const FileSlot without = open(R"({"sub":"anna"})");
  ASSERT_TRUE(revoke(What::kToken, "t1"));
  EXPECT_EQ(world_.heard(one), "3011 force reconnect") << "it comes back and is looked at in full";
  EXPECT_EQ(world_.heard(other), "");
  EXPECT_EQ(world_.heard(without), "");
  EXPECT_EQ(again(R"({"sub":"anna","jti":"t1"})"), "3500 invalid token");
}

TEST_F(SessionDeskTest, EverythingIsAllThatWasIssuedBefore) {
  const FileSlot old = open(R"({"sub":"anna")" + iat(-1) + "}");
  const FileSlot nobody = open(R"({"sub":"")" + iat(-1) + "}");
  const FileSlot fresh = open(R"({"sub":"anna")" + iat(0) + "}");
  ASSERT_TRUE(revoke(What::kEverything, "", world_.calendar()));
  EXPECT_EQ(world_.heard(old), "3500 invalid token");
  EXPECT_EQ(world_.heard(nobody), "3500 invalid token");
  EXPECT_EQ(world_.heard(fresh), "");
}

TEST_F(SessionDeskTest, ARefreshedTokenCounts) {
  const FileSlot file = open(R"({"sub":"anna")" + iat(-10) + "}");
  world_.ask(file, R"({"id":2,"refresh":{"token":")" +
                       World::sign(R"({"sub":"anna")" + iat(0) + "}") + R"("}})");
  ASSERT_TRUE(revoke(What::kUser, "anna", world_.calendar()));
  EXPECT_EQ(world_.heard(file), "");
}

TEST_F(SessionDeskTest, WhatCanNotBeRevokedChangesNothing) {
  const FileSlot file = open(R"({"sub":"anna"})");
  EXPECT_FALSE(revoke(What::kUser, ""));
  EXPECT_FALSE(revoke(What::kToken, std::string(kMaxRevokedName + 1, 'x')));
  EXPECT_EQ(world_.heard(file), "");
}

// Not all that is connected is a session.
TEST_F(SessionDeskTest, LooksAtWebSocketsAlone) {
  const FileSlot http = world_.connect();
  const FileSlot not_yet = world_.open_websocket();
  const FileSlot goes = open(R"({"sub":"anna"})");
  world_.ask(goes, "nonsense");
  ASSERT_TRUE(revoke(What::kEverything, "", world_.calendar()));
  EXPECT_TRUE(world_.ring().is_open(http));
  EXPECT_TRUE(world_.ring().is_open(not_yet));
  EXPECT_EQ(world_.ask(not_yet, World::connect(World::lasting("anna"))), "3500 invalid token");
}

TEST(SessionDesk, WhoCameWithoutATokenHasNoneToRevoke) {
  ClientShardOptions options = World::options();
  options.sessions.allow_anonymous = true;
  World world(options);
  const FileSlot file = world.open_client();
  ASSERT_TRUE(world.shard()
                  .desk()
                  .revoke({What::kEverything, "", world.calendar() + 10, 0}, world.calendar(),
                          world.clock().now())
                  .ok());
  world.turn();
  EXPECT_EQ(world.heard(file), "");
}

}  // namespace
}  // namespace millrace

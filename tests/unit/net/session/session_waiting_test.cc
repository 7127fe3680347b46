// Clients that wait for their channels: the other shard, which some belong to, does not turn.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/session_world.h"

namespace millrace {
namespace {

using World = SessionWorld;

constexpr int kChannels = 16;  // enough for some to belong to each shard

class SessionWaiting : public testing::Test {
 protected:
  SessionWaiting() : publisher_(world_.open_as("bert")), file_(world_.open_websocket()) {
    std::string channels;
    for (int i = 0; i < kChannels; ++i) channels += (i == 0 ? "\"" : ",\"") + channel(i) + "\"";
    say(file_, World::connect(World::lasting("anna", R"(,"channels":[)" + channels + "]")));
    EXPECT_EQ(world_.heard(file_), "");
    EXPECT_EQ(world_.metrics().clients, 2U);
  }
  static std::string channel(int i) { return "c" + std::to_string(i); }
  // Only the client's shard turns.
  void say(FileSlot file, const std::string& text) {
    set_this_shard(ShardId{0});
    world_.ring().client_send(file, client_frame(Opcode::kText, text));
    turn();
  }
  void turn() {
    for (int i = 0; i < 30; ++i) world_.turn_one(0);
  }
  void publish_to_all(const std::string& data) {
    for (int i = 0; i < kChannels; ++i) say(publisher_, World::publish(2, channel(i), data));
  }

  World world_{World::options(), 2};
  FileSlot publisher_;
  FileSlot file_;
};

TEST_F(SessionWaiting, AllIsToldAtOnce) {
  publish_to_all("1");
  say(file_, World::subscribe(2, "late"));
  EXPECT_EQ(world_.heard(file_), "");
  world_.turn();
  const std::string heard = world_.heard(file_);
  ASSERT_TRUE(heard.starts_with(R"({"id":1,"connect":{)")) << heard;
  for (int i = 0; i < kChannels; ++i) {
    EXPECT_TRUE(holds(heard, "\"" + channel(i) + R"(":{})")) << heard;
  }
  EXPECT_GT(count_of(heard, R"("push")"), 0U) << "of channels that were live";
  EXPECT_LT(heard.find(R"("push")"), heard.find(R"({"id":2,"subscribe":{}})"))
      << "in the order in which it happened";
}

TEST_F(SessionWaiting, WhatIsHeldHasALimitAndLaterOnesAreLetGo) {
  const std::string data = "\"" + std::string(20'000, 'x') + "\"";
  for (int round = 0; round < 10; ++round) publish_to_all(data);
  world_.turn();
  const std::string heard = world_.heard(file_);
  EXPECT_TRUE(heard.starts_with(R"({"id":1,"error":{"code":100,)")) << heard.substr(0, 200);
  EXPECT_TRUE(heard.ends_with("3004 internal server error")) << heard.substr(0, 200);
  // It has not said goodbye yet, and is still a subscriber.
  publish_to_all("1");
  world_.turn();
  EXPECT_EQ(world_.heard(file_), "");
  world_.send(file_, client_close_frame(3004));
  EXPECT_FALSE(world_.ring().is_open(file_));
}

TEST_F(SessionWaiting, WhatItSaysMeanwhileHasALimit) {
  for (std::size_t i = 0; i < WaitingSessions::kMaxFrames; ++i) {
    say(file_, R"({"id":2,"unsubscribe":{"channel":"x"}})");
  }
  EXPECT_EQ(world_.heard(file_), "");
  say(file_, R"({"id":2,"unsubscribe":{"channel":"x"}})");
  EXPECT_EQ(world_.heard(file_), "3013 too many requests");
}

TEST_F(SessionWaiting, ABadFrameIsFoundWhenItsTurnComes) {
  say(file_, R"({"id":2,"unsubscribe":{"channel":"x"}})");
  say(file_, "not json");
  say(file_, R"({"id":3,"unsubscribe":{"channel":"x"}})");
  EXPECT_EQ(world_.heard(file_), "");
  world_.turn();
  const std::string heard = world_.heard(file_);
  EXPECT_TRUE(holds(heard, R"({"id":2,"unsubscribe":{}})")) << heard;
  EXPECT_TRUE(heard.ends_with("3501 bad request")) << heard;
  EXPECT_FALSE(holds(heard, R"("id":3)")) << heard;
}

// Who waits for the server has done nothing wrong: it comes back.
TEST_F(SessionWaiting, AnAnswerThatDoesNotComeIsNotTheClientsFault) {
  world_.clock().advance(seconds(10));
  turn();
  EXPECT_EQ(world_.heard(file_), "3004 internal server error");
  world_.turn();
  EXPECT_EQ(world_.heard(file_), "");
}

TEST_F(SessionWaiting, WhoGoesMeanwhileLeavesNothing) {
  say(file_, World::subscribe(2, "late"));
  set_this_shard(ShardId{0});
  world_.ring().client_close(file_);
  turn();
  EXPECT_EQ(world_.metrics().clients, 1U);
  world_.turn();
  EXPECT_EQ(world_.metrics().subscriptions, 0U);
}

TEST_F(SessionWaiting, WhoIsRevokedMeanwhileIsEnded) {
  ASSERT_TRUE(
      world_.shard()
          .desk()
          .revoke({Revocation::What::kUser, "anna", world_.calendar() + 1, world_.calendar() + 100},
                  world_.calendar(), world_.clock().now())
          .ok());
  turn();
  EXPECT_EQ(world_.heard(file_), "3500 invalid token");
  world_.turn();
  EXPECT_EQ(world_.heard(file_), "");
}

}  // namespace
}  // namespace millrace

// Tops: what was lost at the end of a stream is found, and new lives are told.
#include "tests/support/jet_world.h"

namespace millrace {
namespace {

using Texts = std::vector<std::string>;

class Checks : public testing::Test {
 protected:
  Checks() {
    world_.listen("a:x");
    world_.read("a:x");
    world_.publish("a:x", "1");
    world_.hub.take();
    world_.pass(seconds(2));
  }
  JetWorld world_;
};

TEST_F(Checks, FindWhatWasLostAtTheEnd) {
  world_.publish_unheard("a:x", "2");
  world_.ask("a:x");
  EXPECT_EQ(world_.hub.answer(), "") << "it may still be on its way";
  world_.pass(JetBroker::kGrace + milliseconds(50));
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 2@2"}));
  EXPECT_EQ(world_.hub.answer(), "1: top 2");
}

TEST_F(Checks, AMessageThatIsOnlyLateIsNoHole) {
  world_.publish_unheard("a:x", "2");
  world_.ask("a:x");
  world_.link->bring(
      {.subject = "millrace.out.a.x",
       .data = "2",
       .headers = {
           {"Nats-Stream", "MILLRACE_a"}, {"Nats-Sequence", "2"}, {"Nats-Last-Sequence", "1"}}});
  world_.turn();
  world_.pass(JetBroker::kGrace + milliseconds(50));
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 2@2"}));
  EXPECT_EQ(world_.hub.answer(), "1: top 2");
  EXPECT_EQ(world_.metrics.stream_holes_total, 0U);
}

TEST_F(Checks, ComeWithAReconnect) {
  world_.link->go_down();
  world_.turn();
  world_.link->model.store(world_.stream(), {.subject = "a.x", .data = "2"}, false);
  world_.link->come_up();
  world_.turn();
  world_.pass(seconds(1));
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 2@2"}));
}

TEST_F(Checks, ComeWithAnElection) {
  world_.publish_unheard("a:x", "2");
  world_.link->bring(
      {.subject = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.MILLRACE_a", .data = "{}"});
  world_.turn();
  world_.pass(seconds(1));
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 2@2"}));
}

TEST_F(Checks, ManyChannelsAreAskedAboutSomeAtATime) {
  for (int i = 0; i < 1'000; ++i) {
    const std::string channel = "a:" + std::to_string(i);
    world_.listen(channel);
    world_.publish(channel, "1");
  }
  world_.hub.take();
  world_.link->go_down();
  world_.turn();
  for (int i = 0; i < 1'000; ++i) {
    world_.link->model.store(world_.stream(), {.subject = "a." + std::to_string(i), .data = "2"},
                             false);
  }
  world_.link->come_up();
  world_.turn();
  world_.pass(seconds(5));
  EXPECT_EQ(world_.hub.take().size(), 1'000U);
}

TEST_F(Checks, ACrowdIsServedByOne) {
  const std::uint64_t before = world_.link->model.asked["MSG.GET"];
  for (RequestToken token = 0; token < 50; ++token) {
    world_.broker->read_history("a:x", {}, JetWorld::namespaces()[0].kept, token, world_.now);
  }
  world_.turn();
  EXPECT_EQ(world_.hub.answers.size(), 50U);
  EXPECT_LE(world_.link->model.asked["MSG.GET"] - before, 1U);
}

TEST_F(Checks, AStreamThatHasNotGrownNeedsNoSecondRequest) {
  world_.listen("a:q");
  world_.read("a:q");
  world_.pass(seconds(2));
  const std::uint64_t before = world_.link->model.asked["MSG.GET"];
  EXPECT_EQ(world_.read("a:q"), "1: top 1");
  EXPECT_EQ(world_.link->model.asked["MSG.GET"], before);
}

// What a quiet channel is told goes on with the stream, and its subscribers have lost nothing.
TEST_F(Checks, AQuietChannelGoesOnWithItsStream) {
  world_.listen("a:q");
  EXPECT_EQ(world_.read("a:q"), "1: top 1");
  world_.publish("a:y", "2");
  world_.pass(seconds(2));
  EXPECT_EQ(world_.read("a:q"), "1: top 2");
  JetModel::evict(world_.stream(), 3);
  EXPECT_EQ(world_.recover("a:q", 2), "1: top 2 complete");
  EXPECT_EQ(world_.metrics.stream_lost_total, 0U);
}

TEST_F(Checks, WhatCameAndWentUnheardIsTold) {
  world_.publish_unheard("a:x", "2");
  world_.publish("a:y", "3");
  JetModel::evict(world_.stream(), 4);
  world_.ask("a:x");
  world_.pass(seconds(1));
  EXPECT_EQ(world_.hub.take(), (Texts{"lost a:x 3"}));
}

TEST_F(Checks, ANewLifeIsToldToAllInSteps) {
  for (std::uint32_t i = 0; i < 2 * JetBroker::kRenewStep; ++i) {
    const std::string channel = "a:" + std::to_string(i);
    world_.listen(channel);
    world_.read(channel);
  }
  world_.hub.take();
  world_.link->model.erase("MILLRACE_a");
  static_cast<void>(world_.link->model.handle(
      {.subject = "$JS.API.STREAM.CREATE.MILLRACE_a",
       .data = stream_config_json(plan_stream("", JetWorld::namespaces()[0]))}));
  world_.link->bring({.subject = "$JS.EVENT.ADVISORY.STREAM.CREATED.MILLRACE_a", .data = "{}"});
  world_.turn();
  EXPECT_EQ(world_.hub.take().size(), JetBroker::kRenewStep);
  world_.pass(seconds(1));
  EXPECT_EQ(world_.hub.take().size(), JetBroker::kRenewStep + 1);
}

}  // namespace
}  // namespace millrace

// What was lost on its way: closed before anything newer is shown, or told.
#include "tests/support/jet_world.h"

namespace millrace {
namespace {

using Texts = std::vector<std::string>;

class Holes : public testing::Test {
 protected:
  Holes() : world_(JetLimits{.filling = 2, .held_messages = 4, .held_bytes = 4'096}) {
    world_.listen("a:x");
    world_.read("a:x");
    world_.publish("a:x", "1");
    world_.hub.take();
  }
  void unheard(int from, int to, const std::string& channel = "a:x") {
    for (int i = from; i <= to; ++i) world_.publish_unheard(channel, std::to_string(i));
  }
  JetWorld world_;
};

TEST_F(Holes, AreClosedBeforeAnythingNewerIsShown) {
  unheard(2, 4);
  EXPECT_EQ(world_.hub.take(), Texts{});
  world_.publish("a:x", "5");
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 2@2", "a:x 3@3", "a:x 4@4", "a:x 5@5"}));
  EXPECT_EQ(world_.metrics.stream_holes_total, 1U);
  EXPECT_EQ(world_.metrics.stream_filled_total, 3U);
  EXPECT_EQ(world_.metrics.stream_lost_total, 0U);
}

TEST_F(Holes, WhatComesMeanwhileIsHeldBack) {
  unheard(2, 2);
  world_.link->model.silent = true;
  world_.publish("a:x", "3");
  world_.publish("a:x", "4");
  EXPECT_EQ(world_.hub.take(), Texts{});
  world_.link->model.silent = false;
  world_.pass(seconds(3));
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 2@2", "a:x 3@3", "a:x 4@4"}));
}

// A leader that was deposed and has not heard of it has none behind where it stopped.
TEST_F(Holes, ThatADeposedLeaderKnowsNothingOfAreNotSkipped) {
  unheard(2, 3);
  world_.link->model.lag = world_.link->model.deposed = 1;
  world_.publish("a:x", "4");
  EXPECT_EQ(world_.hub.take(), Texts{});
  world_.link->model.lag = world_.link->model.deposed = UINT64_MAX;
  world_.pass(seconds(3));
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 2@2", "a:x 3@3", "a:x 4@4"}));
}

// next_by_subj jumps over what was evicted, without a word.
TEST_F(Holes, ThatTheLimitHasPartlyDroppedAreTold) {
  unheard(2, 9);
  world_.publish("a:x", "10");
  EXPECT_EQ(world_.hub.take(), (Texts{"lost a:x 4", "a:x 5@5", "a:x 6@6", "a:x 7@7", "a:x 8@8",
                                      "a:x 9@9", "a:x 10@10"}));
  EXPECT_EQ(world_.metrics.stream_lost_total, 1U);
}

TEST_F(Holes, WithoutAnythingLeftAreTold) {
  unheard(2, 4);
  JetModel::evict(world_.stream(), 5);
  world_.publish("a:x", "5");
  EXPECT_EQ(world_.hub.take(), (Texts{"lost a:x 4", "a:x 5@5"}));
}

// The measured case: "0" is what a message has whose predecessors are all gone.
TEST_F(Holes, AZeroAfterALossIsNoProofThatNothingWasThere) {
  unheard(2, 3);
  world_.publish("a:y", "4");
  JetModel::evict(world_.stream(), 4);
  world_.publish("a:x", "5");
  EXPECT_EQ(world_.hub.take(), (Texts{"lost a:x 4", "a:x 5@5"}));
}

TEST_F(Holes, AZeroInAQuietChannelIsNone) {
  world_.listen("a:q");
  world_.read("a:q");
  world_.publish("a:y", "1");
  world_.hub.take();
  world_.publish("a:q", "7");
  EXPECT_EQ(world_.hub.take(), (Texts{"a:q 7@3"}));
  EXPECT_EQ(world_.metrics.stream_holes_total, 0U);
  EXPECT_EQ(world_.metrics.stream_lost_total, 0U);
}

TEST_F(Holes, WhatWaitsHasItsLimit) {
  unheard(2, 2);
  world_.link->model.silent = true;
  for (int i = 3; i <= 6; ++i) world_.publish("a:x", std::to_string(i));
  EXPECT_EQ(world_.hub.take(), Texts{});
  world_.publish("a:x", "7");
  EXPECT_EQ(world_.hub.take(),
            (Texts{"lost a:x 2", "a:x 3@3", "a:x 4@4", "a:x 5@5", "a:x 6@6", "a:x 7@7"}));
  EXPECT_EQ(world_.metrics.stream_refused_total, 1U);
}

TEST_F(Holes, SoHasTheirNumber) {
  world_.link->model.silent = true;
  for (const std::string channel : {"a:1", "a:2", "a:3"}) {
    world_.link->model.silent = false;
    world_.listen(channel);
    world_.read(channel);
    world_.publish(channel, "1");
    unheard(2, 2, channel);
    world_.link->model.silent = true;
    world_.hub.take();
    world_.publish(channel, "3");
    const Texts heard = world_.hub.take();
    EXPECT_EQ(heard.empty(), channel != "a:3") << channel;
  }
  EXPECT_EQ(world_.metrics.stream_lost_total, 1U);
}

TEST_F(Holes, ThatNobodyAnswersAboutAreToldInTheEnd) {
  unheard(2, 2);
  world_.link->model.silent = true;
  world_.publish("a:x", "3");
  world_.pass(JetBroker::kFillPatience + seconds(1));
  EXPECT_EQ(world_.hub.take(), (Texts{"lost a:x 2", "a:x 3@3"}));
}

TEST_F(Holes, WhoIsToldMayLeaveAtOnce) {
  world_.hub.on_lost = [this](Bytes channel) { world_.broker->remove_interest(channel); };
  unheard(2, 9);
  world_.publish("a:x", "10");
  EXPECT_EQ(world_.hub.take(), (Texts{"lost a:x 4"}));
  world_.publish("a:x", "11");
  EXPECT_EQ(world_.hub.take(), Texts{});
}

TEST_F(Holes, WhoLeavesMeanwhileLeavesNothingBehind) {
  unheard(2, 2);
  world_.link->model.silent = true;
  world_.publish("a:x", "3");
  world_.broker->remove_interest("a:x");
  world_.link->model.silent = false;
  world_.pass(seconds(5));
  EXPECT_EQ(world_.hub.take(), Texts{});
}

// A number that came by already, in a stream that was made again meanwhile.
TEST_F(Holes, ASmallNumberOfANewLifeIsNotTakenForARepetition) {
  world_.publish("a:x", "2");
  world_.hub.take();
  world_.link->model.erase("MILLRACE_a");
  static_cast<void>(world_.link->model.handle(
      {.subject = "$JS.API.STREAM.CREATE.MILLRACE_a",
       .data = stream_config_json(plan_stream("", JetWorld::namespaces()[0]))}));
  world_.pass(seconds(1));
  for (int i = 0; i < 9; ++i) world_.publish("a:y", "0");
  world_.hub.take();
  world_.link->model.store(world_.stream(), {.subject = "a.x", .data = "9"}, false);
  NatsPost post{
      .subject = "millrace.out.a.x",
      .data = "9",
      .headers = {
          {"Nats-Stream", "MILLRACE_a"}, {"Nats-Sequence", "1"}, {"Nats-Last-Sequence", "0"}}};
  world_.link->bring(post);
  world_.turn();
  const Texts heard = world_.hub.take();
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.front(), "lost a:x 0");
}

}  // namespace
}  // namespace millrace

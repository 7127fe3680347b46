#include "net/jet/jet_remover.h"

#include "tests/support/jet_world.h"

namespace millrace {
namespace {

TEST(JetRemover, TakesAllThatWasThereAndKeepsThePosition) {
  JetWorld world;
  for (const char* data : {"1", "2", "3"}) world.publish("a:x", data);
  world.publish("a:y", "4");
  world.broker->remove_history("a:x", 9, world.now);
  world.turn();
  EXPECT_EQ(world.hub.answer(), "9: top 3");
  EXPECT_TRUE(world.stream().of("a.x").empty());
  EXPECT_EQ(world.stream().of("a.y").size(), 1U);
  EXPECT_EQ(world.read("a:x", {.limit = 9}).find(" 1"), std::string::npos);
}

TEST(JetRemover, WhoListensForgetsWhatWasRemovedAndLosesNothing) {
  JetWorld world;
  world.listen("a:x");
  world.publish("a:x", "1");
  world.publish("a:x", "2");
  EXPECT_EQ(world.recover("a:x", 1), "1: 2 top 2 complete");
  world.hub.take();
  world.broker->remove_history("a:x", 9, world.now);
  world.turn();
  EXPECT_EQ(world.recover("a:x", 1).find("complete"), std::string::npos);
  EXPECT_NE(world.recover("a:x", 2).find("complete"), std::string::npos);
  world.publish("a:x", "3");
  EXPECT_EQ(world.hub.take(), (std::vector<std::string>{"a:x 3@4"}));
  EXPECT_EQ(world.metrics.stream_lost_total, 0U);
}

TEST(JetRemover, NothingIsThereToTake) {
  JetWorld world;
  world.publish("a:y", "1");
  world.broker->remove_history("a:x", 9, world.now);
  world.turn();
  EXPECT_EQ(world.hub.answer().substr(0, 2), "9:");
  EXPECT_EQ(world.link->model.asked["PURGE"], 0U);
}

TEST(JetRemover, WithoutAnAnswerItFails) {
  JetWorld world;
  world.publish("a:x", "1");
  world.link->model.silent = true;
  world.broker->remove_history("a:x", 9, world.now);
  world.turn();
  world.pass(seconds(5));
  EXPECT_EQ(world.hub.answer(), "9: unavailable");
}

TEST(JetRemover, BeyondItsLimitItIsRefusedAtOnce) {
  JetWorld world;
  world.link->model.silent = true;
  for (std::uint32_t i = 0; i < JetRemover::kMaxOpen; ++i) {
    world.broker->remove_history("a:x", i, world.now);
  }
  EXPECT_TRUE(world.hub.answers.empty());
  world.broker->remove_history("a:x", 5'000, world.now);
  EXPECT_EQ(world.hub.answer(), "5000: unavailable");
}

}  // namespace
}  // namespace millrace

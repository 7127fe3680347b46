#include "net/jet/stream_keeper.h"

#include "tests/support/jet_world.h"

namespace millrace {
namespace {

TEST(StreamKeeper, MakesTheStreamsAtTheStart) {
  JetWorld world({}, false);
  EXPECT_FALSE(world.broker->status().ready);
  world.link->come_up();
  world.turn();
  EXPECT_TRUE(world.broker->status().ready) << world.broker->status().cause;
  EXPECT_EQ(world.stream().per_subject, JetWorld::kSize + 1U);
  EXPECT_TRUE(world.link->model.has("MILLRACE_w"));
  EXPECT_TRUE(world.link->model.has("MILLRACE_default"));
}

TEST(StreamKeeper, SaysWhatIsWrongWhileNothingAnswers) {
  JetWorld world({}, false);
  world.link->model.silent = true;
  world.link->come_up();
  world.turn();
  world.pass(seconds(3));
  EXPECT_FALSE(world.broker->status().ready);
  EXPECT_NE(world.broker->status().cause.find("has no leader that answers"), std::string::npos)
      << world.broker->status().cause;
  world.link->model.silent = false;
  world.pass(seconds(4));
  EXPECT_TRUE(world.broker->status().ready) << world.broker->status().cause;
}

// Of another version of the configuration, say.
TEST(StreamKeeper, UpdatesWhatDiffersAndMarksIt) {
  JetWorld world({}, false);
  StreamPlan plan = plan_stream("", JetWorld::namespaces()[0]);
  plan.per_subject = 3;
  static_cast<void>(world.link->model.handle(
      {.subject = "$JS.API.STREAM.CREATE.MILLRACE_a", .data = stream_config_json(plan)}));
  world.link->come_up();
  world.turn();
  EXPECT_TRUE(world.broker->status().ready) << world.broker->status().cause;
  EXPECT_EQ(world.stream().per_subject, JetWorld::kSize + 1U);
  EXPECT_EQ(world.stream().of("millrace.mark.a.all").size(), 1U);
}

TEST(StreamKeeper, RefusesAStreamThatIsSomethingElse) {
  JetWorld world({}, false);
  std::string config = stream_config_json(plan_stream("", JetWorld::namespaces()[0]));
  config.replace(config.find("\"file\""), 6, "\"memory\"");
  static_cast<void>(
      world.link->model.handle({.subject = "$JS.API.STREAM.CREATE.MILLRACE_a", .data = config}));
  world.link->come_up();
  world.turn();
  EXPECT_FALSE(world.broker->status().ready);
  EXPECT_NE(world.broker->status().cause.find("storage is memory and not file"), std::string::npos)
      << world.broker->status().cause;
}

TEST(StreamKeeper, MakesADeletedStreamAgainAfterAWhileAndTellsTheNewLife) {
  JetWorld world;
  world.listen("a:x");
  EXPECT_EQ(world.read("a:x"), "1: top 0");
  const Epoch before = world.hub.epoch;
  world.hub.take();
  world.link->model.erase("MILLRACE_a");
  world.link->bring({.subject = "$JS.EVENT.ADVISORY.STREAM.DELETED.MILLRACE_a", .data = "{}"});
  world.turn();
  EXPECT_FALSE(world.broker->status().ready);
  world.pass(seconds(1));
  EXPECT_FALSE(world.link->model.has("MILLRACE_a"));
  world.pass(seconds(3));
  EXPECT_TRUE(world.broker->status().ready) << world.broker->status().cause;
  EXPECT_EQ(world.hub.take(), (std::vector<std::string>{"lost a:x 0"}));
  EXPECT_EQ(world.metrics.stream_reborn_total, 1U);
  world.publish("a:x", "1");
  EXPECT_EQ(world.hub.take(), (std::vector<std::string>{"a:x 1@1"}));
  EXPECT_NE(world.hub.epoch, before);
}

// Without a word from anybody.
TEST(StreamKeeper, FindsANewLifeByItself) {
  JetWorld world;
  world.listen("a:x");
  world.read("a:x");
  world.hub.take();
  world.link->model.erase("MILLRACE_a");
  static_cast<void>(world.link->model.handle(
      {.subject = "$JS.API.STREAM.CREATE.MILLRACE_a",
       .data = stream_config_json(plan_stream("", JetWorld::namespaces()[0]))}));
  world.pass(StreamKeeper::kCheckEvery + seconds(1));
  EXPECT_EQ(world.hub.take(), (std::vector<std::string>{"lost a:x 0"}));
}

}  // namespace
}  // namespace millrace

// What comes by: once each, in order, and only what a stream has sent.
#include "tests/support/jet_world.h"

namespace millrace {
namespace {

using Texts = std::vector<std::string>;

class Live : public testing::Test {
 protected:
  Live() {
    world_.listen("a:x");
    world_.hub.take();
  }
  NatsPost out(const std::string& data, const std::string& sequence, const std::string& previous) {
    return {.subject = "millrace.out.a.x",
            .data = data,
            .headers = {{"Nats-Stream", "MILLRACE_a"},
                        {"Nats-Sequence", sequence},
                        {"Nats-Last-Sequence", previous}}};
  }
  void bring(const NatsPost& post) {
    world_.link->bring(post);
    world_.turn();
  }
  JetWorld world_;
};

TEST_F(Live, PassesOnWithItsPlace) {
  world_.publish("a:x", "1");
  world_.publish("a:y", "2");
  world_.publish("a:x", "3");
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 1@1", "a:x 3@3"}));
}

TEST_F(Live, WhatComesTwiceIsPassedOnOnce) {
  world_.publish("a:x", "1");
  world_.publish("a:x", "2");
  world_.hub.take();
  bring(out("2", "2", "1"));
  bring(out("1", "1", "0"));
  EXPECT_EQ(world_.hub.take(), Texts{});
  EXPECT_EQ(world_.metrics.publications_repeated_total, 2U);
}

TEST_F(Live, WhatNoStreamHasSentIsDropped) {
  world_.publish("a:x", "1");
  world_.hub.take();
  NatsPost other = out("2", "2", "1");
  other.headers[0].second = "MILLRACE_b";
  bring(other);
  bring({.subject = "millrace.out.a.x", .data = "2"});
  for (const auto& [sequence, previous] : std::vector<std::pair<std::string, std::string>>{
           {"0", "0"}, {"2", "2"}, {"2", "3"}, {"-1", "0"}, {"x", "0"}, {"2", ""}}) {
    bring(out("2", sequence, previous));
  }
  bring({.subject = "millrace.out.a.=78", .data = "2"});
  EXPECT_EQ(world_.hub.take(), Texts{});
  EXPECT_EQ(world_.metrics.broker_dropped_subject_total, 8U);
}

TEST_F(Live, WhatTheNamespaceDoesNotTakeIsNoHole) {
  world_.publish("a:x", "1");
  world_.publish("a:x", "no JSON");
  world_.publish("a:x", "3");
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 1@1", "a:x 3@3"}));
  EXPECT_EQ(world_.metrics.broker_dropped_payload_total, 1U);
  EXPECT_EQ(world_.metrics.stream_holes_total, 0U);
}

// Somebody wants the channel without a position, while the stream is not known yet.
TEST(LiveBefore, TheStreamIsKnownItIsPassedOnWithoutAPlace) {
  JetWorld world({}, false);
  static_cast<void>(world.link->model.handle(
      {.subject = "$JS.API.STREAM.CREATE.MILLRACE_a",
       .data = stream_config_json(plan_stream("", JetWorld::namespaces()[0]))}));
  world.link->model.silent = true;
  world.link->come_up();
  world.turn();
  world.listen("a:x");
  world.hub.take();
  world.publish("a:x", "1");
  EXPECT_EQ(world.hub.take(), (Texts{"a:x 1"}));
}

TEST_F(Live, AForgedRemovalTakesNoMoreThanWhatIsThere) {
  world_.publish("a:x", "1");
  bring({.subject = "millrace.out.a.x", .data = "", .headers = {{"Millrace-Removed", "999"}}});
  bring({.subject = "millrace.out.a.x", .data = "", .headers = {{"Millrace-Removed", "x"}}});
  EXPECT_EQ(world_.recover("a:x", 0), "1: 1 top 1 complete");
}

}  // namespace
}  // namespace millrace

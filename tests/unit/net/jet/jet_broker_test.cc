#include "net/jet/jet_broker.h"

#include "tests/support/jet_world.h"

namespace millrace {
namespace {

using Texts = std::vector<std::string>;

TEST(JetBroker, CoversTheNamespacesWithStreams) {
  JetWorld world;
  EXPECT_TRUE(world.broker->covers("a:x"));
  EXPECT_TRUE(world.broker->covers("solo"));
  EXPECT_FALSE(world.broker->covers("b:x"));
}

TEST(JetBroker, TellsWhenInterestIsThereAndGivesItBack) {
  JetWorld world;
  EXPECT_FALSE(world.broker->add_interest("a:x", 1));
  world.turn();
  EXPECT_EQ(world.hub.take(), (Texts{"ready a:x"}));
  EXPECT_FALSE(world.broker->add_interest("w:1", 2));
  world.turn();
  EXPECT_EQ(world.hub.take(), (Texts{"ready w:1"}));
  EXPECT_TRUE(world.broker->add_interest("w:2", 3)) << "the wildcard is there already";
  EXPECT_EQ(world.metrics.nats_subscriptions, 2U);
  for (const char* channel : {"a:x", "w:1", "w:2"}) world.broker->remove_interest(channel);
  EXPECT_EQ(world.metrics.nats_subscriptions, 0U);
  world.publish("a:x", "1");
  EXPECT_EQ(world.hub.take(), Texts{});
}

TEST(JetBroker, SeveralChannelsOfAWildcardWaitForIt) {
  JetWorld world;
  EXPECT_FALSE(world.broker->add_interest("w:1", 1));
  EXPECT_FALSE(world.broker->add_interest("w:2", 2));
  world.turn();
  EXPECT_EQ(world.hub.take().size(), 2U);
}

TEST(JetBroker, WithASubjectPrefixItIsTheSame) {
  JetWorld world({}, true, "p.q");
  world.listen("a:x");
  world.hub.take();
  world.publish("a:x", "1");
  EXPECT_EQ(world.hub.take(), (Texts{"a:x 1@1"}));
  EXPECT_TRUE(world.link->model.has("MILLRACE_p=2Eq_a"));
}

TEST(JetBroker, ADepartureEndsNoQuestion) {
  JetWorld world;
  world.listen("a:x");
  world.publish("a:x", "1");
  world.broker->read_history("a:x", {.since = StreamPosition{0, {}}, .limit = 9},
                             JetWorld::namespaces()[0].kept, 3, world.now);
  world.broker->remove_interest("a:x");
  world.turn();
  EXPECT_EQ(world.hub.answer(), "3: 1 top 1 complete");
}

TEST(JetBroker, KnowsNobody) {
  JetWorld world;
  world.broker->read_presence("a:x", false, 1, world.now);
  world.broker->publish({.channel = "a:..", .data = "1"}, {}, 2, world.now);
  EXPECT_EQ(world.hub.answer(), "2: failed");
}

}  // namespace
}  // namespace millrace

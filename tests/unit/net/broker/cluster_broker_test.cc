#include "net/broker/cluster_broker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/jet_world.h"
#include "tests/support/node_world.h"

namespace millrace {
namespace {

struct ClusterBrokerTest : testing::Test, NodeWorld {
  ClusterBrokerTest() : a(start("a")), b(start("bb")) { settle(); }

  Node& a;
  Node& b;
};

TEST_F(ClusterBrokerTest, PublicationsReachOtherNodes) {
  EXPECT_FALSE(a[1].broker->add_interest("news", 1));
  turn();
  b[0].broker->publish({.channel = "news", .data = "1"}, {}, 7, now);
  turn();
  EXPECT_EQ(a[1].heard, std::vector<std::string>{"1"});
  EXPECT_TRUE(a[0].heard.empty());
  a[1].broker->remove_interest("news");
  b[0].broker->publish({.channel = "news", .data = "2"}, {}, 8, now);
  turn();
  EXPECT_EQ(a[1].heard.size(), 1U);
}

TEST_F(ClusterBrokerTest, ItsStatusIsThePorts) {
  EXPECT_TRUE(a[0].broker->status().ready);
  cut(a);
  EXPECT_FALSE(a[0].broker->status().ready);
}

TEST_F(ClusterBrokerTest, WithoutStreamsThereIsNoHistory) {
  a[0].broker->read_history("news", {}, {}, 1, now);
  a[0].broker->remove_history("news", 2, now);
  EXPECT_EQ(a[0].unavailable, (std::vector<RequestToken>{1, 2}));
}

TEST_F(ClusterBrokerTest, PresenceIsOfAllNodes) {
  b[1].broker->add_member("news", {.user = "u", .client = "c"}, {.members = true}, now);
  turn();
  EXPECT_EQ(ask(a[0], "news", true).counts, (PresenceCounts{1, 1}));
  b[1].broker->remove_member("news", "c", now);
  EXPECT_EQ(ask_anew(a[0], "news", true).counts, PresenceCounts{});
}

// A node whose namespaces `a` and `w` are streams.
struct ClusterBrokerStreams : testing::Test {
  explicit ClusterBrokerStreams(bool up = true)
      : world({}, up),
        node({*world.port, mailbox, world.timers, world.random, world.hub, world.metrics},
             {.id = NodeId::random(world.random), .name = "a", .version = "test"}, 1, {}),
        broker(*world.port, std::make_unique<NatsBroker>(*world.port, world.hub, world.metrics),
               std::move(world.broker), node.presence()) {}

  JetWorld world;
  NoRing ring;
  Waker waker{ring};
  MailboxNetwork network{1};
  Mailbox mailbox{network, ShardId{0}, waker};
  ClusterNode node;
  ClusterBroker broker;
};

struct ClusterBrokerAway : ClusterBrokerStreams {
  ClusterBrokerAway() : ClusterBrokerStreams(false) {}
};

TEST_F(ClusterBrokerStreams, AChannelGoesToThePartThatHasItsNamespace) {
  for (const char* channel : {"a:x", "b:x"}) EXPECT_FALSE(broker.add_interest(channel, 1));
  world.turn();
  world.hub.take();
  world.publish("a:x", "1");
  world.publish("b:x", "2");
  EXPECT_EQ(world.hub.take(), (std::vector<std::string>{"a:x 1@1", "b:x 2"}));
  broker.read_history("b:x", {}, {}, 1, world.now);
  EXPECT_EQ(world.hub.answer(), "1: unavailable");
  broker.read_history("a:x", {}, JetWorld::namespaces()[0].kept, 2, world.now);
  world.turn();
  EXPECT_EQ(world.hub.answer(), "2: top 1");
  broker.publish({.channel = "b:x", .data = "3"}, {}, 3, world.now);
  world.turn();
  EXPECT_EQ(world.hub.answer(), "3: stored 0");
  for (const char* channel : {"a:x", "b:x"}) broker.remove_interest(channel);
}

TEST_F(ClusterBrokerAway, IsReadyWhenAllItsPartsAre) {
  EXPECT_NE(broker.status().cause.find("NATS"), std::string::npos) << broker.status().cause;
  world.link->model.silent = true;
  world.link->come_up();
  world.turn();
  EXPECT_NE(broker.status().cause.find("JetStream"), std::string::npos) << broker.status().cause;
  world.link->model.silent = false;
  world.pass(seconds(5));
  EXPECT_TRUE(broker.status().ready) << broker.status().cause;
}

}  // namespace
}  // namespace millrace

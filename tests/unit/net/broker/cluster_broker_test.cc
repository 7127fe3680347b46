#include "net/broker/cluster_broker.h"

#include "tests/support/jet_world.h"

namespace millrace {
namespace {

using Texts = std::vector<std::string>;

TEST(ClusterBroker, AChannelGoesToThePartThatHasItsNamespace) {
  JetWorld world;
  ClusterBroker broker(*world.port,
                       std::make_unique<NatsBroker>(*world.port, world.hub, world.metrics),
                       std::move(world.broker));
  for (const char* channel : {"a:x", "b:x"}) EXPECT_FALSE(broker.add_interest(channel, 1));
  world.turn();
  world.hub.take();
  world.publish("a:x", "1");
  world.publish("b:x", "2");
  EXPECT_EQ(world.hub.take(), (Texts{"a:x 1@1", "b:x 2"}));
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

TEST(ClusterBroker, IsReadyWhenAllItsPartsAre) {
  JetWorld world({}, false);
  ClusterBroker broker(*world.port,
                       std::make_unique<NatsBroker>(*world.port, world.hub, world.metrics),
                       std::move(world.broker));
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

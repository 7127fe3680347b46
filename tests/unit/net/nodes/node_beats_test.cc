#include "net/nodes/node_beats.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/node_world.h"

namespace millrace {
namespace {

struct NodeBeatsTest : testing::Test, NodeWorld {
  static std::size_t others(NodeShard& shard) { return shard.node->directory().others().size(); }
};

TEST_F(NodeBeatsTest, ANewcomerIsKnownAndKnowsAllAtOnce) {
  Node& a = start("a");
  Node& b = start("bb");
  pass(milliseconds(60));
  Node& c = start("ccc");
  pass(milliseconds(100));
  for (Node* node : {&a, &b, &c}) {
    for (const auto& shard : node->shards) EXPECT_EQ(others(*shard), 2U) << node->identity.name;
    EXPECT_EQ((*node)[0].metrics.nodes_known, 2U);
    EXPECT_EQ((*node)[1].metrics.nodes_known, 0U) << "one shard tells it";
  }
  const KnownNode* seen = a[1].node->directory().find(c.identity.id);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->facts.name, "ccc");
  EXPECT_EQ(seen->facts.version, "test");
  EXPECT_EQ(seen->facts.shards, kShards);
}

TEST_F(NodeBeatsTest, OneShardBeatsOnceASecond) {
  start("a");
  settle();
  nats.published.clear();
  pass(seconds(10));
  EXPECT_GE(nats.count("heartbeat"), 9U);
  EXPECT_LE(nats.count("heartbeat"), 12U);
  EXPECT_EQ(nats.count("hello"), 0U);
}

TEST_F(NodeBeatsTest, ManyHellosAreAnsweredTogether) {
  start("a");
  settle();
  nats.published.clear();
  for (int i = 0; i < 100; ++i) nats.publish({.subject = "millrace.node.all.hello", .data = ""});
  pass(milliseconds(40));
  EXPECT_LE(nats.count("heartbeat"), 3U);
  EXPECT_GE(nats.count("heartbeat"), 1U);
}

TEST_F(NodeBeatsTest, OneThatIsKilledIsGoneWithinSeconds) {
  Node& a = start("a");
  Node& b = start("bb");
  settle();
  kill(b);
  pass(seconds(2));
  EXPECT_EQ(others(a[1]), 1U);
  pass(seconds(2));
  EXPECT_EQ(others(a[0]), 0U);
  EXPECT_EQ(others(a[1]), 0U);
  EXPECT_EQ(a[0].metrics.nodes_known, 0U);
  EXPECT_EQ(a[0].metrics.nodes_gone_total, 1U);
}

TEST_F(NodeBeatsTest, OneThatEndsSaysGoodbye) {
  Node& a = start("a");
  Node& b = start("bb");
  settle();
  for (const auto& shard : b.shards) shard->node->leave(now);
  EXPECT_FALSE(b[0].node->left());
  turn();
  for (const auto& shard : b.shards) EXPECT_TRUE(shard->node->left());
  EXPECT_EQ(others(a[0]), 0U);
  nats.publish({.subject = "millrace.node.all.hello", .data = ""});
  pass(seconds(2));
  EXPECT_EQ(others(a[0]), 0U) << "it is silent from then on";
}

TEST_F(NodeBeatsTest, WhoWasAwayLosesNobodyForIt) {
  Node& a = start("a");
  start("bb");
  settle();
  cut(a);
  pass(seconds(20));
  EXPECT_EQ(others(a[0]), 1U);
  EXPECT_FALSE(a[0].node->directory().settled(now));
  mend(a);
  pass(milliseconds(600));
  EXPECT_EQ(others(a[0]), 1U);
  EXPECT_TRUE(a[0].node->directory().settled(now));
}

TEST_F(NodeBeatsTest, WhatIsNoBeatIsDroppedAndCounted) {
  Node& a = start("a");
  settle();
  for (const std::string& bad :
       {std::string("x"), std::string(), std::string(kMaxNodeBeat + 1, ' '),
        std::string(R"({"id":"*.>","beat":1})")}) {
    nats.publish({.subject = "millrace.node.all.heartbeat", .data = bad});
  }
  turn();
  EXPECT_EQ(others(a[0]), 0U);
  EXPECT_EQ(a[0].metrics.node_messages_dropped_total, 4U);
}

TEST_F(NodeBeatsTest, MoreNodesThanThereIsRoomForAreDroppedAndCounted) {
  Node& a = start("a");
  settle();
  Random random(9);
  for (std::size_t i = 0; i <= NodeDirectory::kMaxNodes; ++i) {
    nats.publish({.subject = "millrace.node.all.heartbeat",
                  .data = node_beat_json({.id = NodeId::random(random), .number = 1})});
    if (i % 100 == 0) turn();
  }
  turn();
  EXPECT_EQ(others(a[0]), NodeDirectory::kMaxNodes);
  EXPECT_EQ(a[0].metrics.node_messages_dropped_total, 1U);
}

}  // namespace
}  // namespace millrace

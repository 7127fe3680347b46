#include "net/nodes/cluster_node.h"

#include <gtest/gtest.h>

#include "tests/support/node_world.h"

namespace millrace {
namespace {

struct ClusterNodeTest : testing::Test, NodeWorld {};

TEST_F(ClusterNodeTest, ALeaveWaitsForNatsNoLongerThanItsPatience) {
  Node& a = start("a");
  settle();
  nats.remove(*a[0].link);  // nothing is answered
  a[0].node->leave(now);
  turn();
  EXPECT_FALSE(a[0].node->left());
  pass(ClusterNode::kLeavePatience + milliseconds(20));
  EXPECT_TRUE(a[0].node->left());
  cut(a);
  a[1].node->leave(now);
  EXPECT_TRUE(a[1].node->left()) << "who is away has nobody to tell";
}

TEST_F(ClusterNodeTest, ANodesNumbersAreThoseOfAllItsShards) {
  Node& a = start("a");
  Node& b = start("bb");
  b[0].metrics.clients = 3;
  b[1].metrics.clients = 4;
  b[1].metrics.subscriptions = 9;
  pass(milliseconds(2'500));
  const KnownNode* seen = a[1].node->directory().find(b.identity.id);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->facts.clients, 7U);
  EXPECT_EQ(seen->facts.subscriptions, 9U);
  EXPECT_GE(seen->facts.uptime, seconds(1));
  EXPECT_EQ(b[1].node->directory().self_facts().clients, 7U);
}

TEST_F(ClusterNodeTest, MessagesOfOthersAreNotItsOwn) {
  Node& a = start("a");
  Message message = SnapshotRequest{1};
  EXPECT_FALSE(a[0].node->on_message(ShardId{1}, message, now));
}

}  // namespace
}  // namespace millrace

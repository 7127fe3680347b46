#include "net/nodes/presence_news.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/support/node_world.h"

namespace millrace {
namespace {

constexpr PresenceOptions kTold{.members = true, .announce = true};
using News = std::vector<std::string>;

struct PresenceNewsTest : testing::Test, NodeWorld {
  PresenceNewsTest() : PresenceNewsTest(NatsOptions()) {}
  explicit PresenceNewsTest(NatsOptions with) : a(start_with(std::move(with))), b(start("bb")) {
    settle();
  }
  Node& start_with(NatsOptions with) {
    options = std::move(with);
    return start("a");
  }
  void come(NodeShard& shard, Bytes channel, Bytes client, const PresenceOptions& kept = kTold) {
    if (wanted.emplace(&shard, channel).second) {
      static_cast<void>(shard.broker->add_interest(channel, ++last_interest));
    }
    shard.broker->add_member(channel, {.user = "u", .client = client, .conn_info = "{}"}, kept,
                             now);
    turn();
  }
  void go(NodeShard& shard, Bytes channel, Bytes client) {
    shard.broker->remove_member(channel, client, now);
    turn();
  }
  [[nodiscard]] std::size_t held(NodeShard& shard) const {
    const auto subjects = nats.held_by(*shard.link);
    return static_cast<std::size_t>(
        std::count_if(subjects.begin(), subjects.end(), [](const std::string& subject) {
          return subject.find("node.all.presence.") != std::string::npos;
        }));
  }

  Node& a;
  Node& b;
  std::set<std::pair<NodeShard*, std::string>> wanted;
  InterestToken last_interest = 0;
};

TEST_F(PresenceNewsTest, JoinsAndLeavesAreToldOnAllNodes) {
  come(a[0], "room:1", "watcher");
  come(a[1], "room:1", "other");
  pass(seconds(2));
  a[0].news.clear();
  a[1].news.clear();
  come(b[0], "room:1", "x");
  pass(milliseconds(1'100));
  for (NodeShard* shard : {&a[0], &a[1], &b[0]}) EXPECT_EQ(shard->news, News{"room:1 +x"});
  EXPECT_EQ(a[0].infos.back(), "{}");
  EXPECT_TRUE(b[1].news.empty()) << "nobody is there";
  go(b[0], "room:1", "x");
  pass(seconds(4));
  EXPECT_EQ(a[0].news.size(), 1U) << "not yet";
  pass(seconds(3));
  EXPECT_EQ(a[0].news.back(), "room:1 -x");
  EXPECT_EQ(a[1].news.back(), "room:1 -x");
}

TEST_F(PresenceNewsTest, WhoMovesIsThereBeforeHeIsGone) {
  come(a[0], "room:1", "watcher");
  come(b[0], "room:1", "old");
  pass(seconds(2));
  a[0].news.clear();
  go(b[0], "room:1", "old");
  come(a[1], "room:1", "new");
  pass(seconds(8));
  EXPECT_EQ(a[0].news, (News{"room:1 +new", "room:1 -old"}));
}

TEST_F(PresenceNewsTest, WhoFlapsIsNotTold) {
  come(a[0], "room:1", "watcher");
  pass(seconds(2));
  a[0].news.clear();
  come(b[0], "room:1", "x");
  go(b[0], "room:1", "x");
  pass(seconds(8));
  EXPECT_TRUE(a[0].news.empty());
}

TEST_F(PresenceNewsTest, OnlyChannelsThatTellAreSubscribedTo) {
  come(a[0], "room:1", "1", {.members = true});
  EXPECT_EQ(held(a[0]), 0U);
  come(a[0], "room:1", "2");
  come(a[0], "room:1", "3");
  EXPECT_EQ(held(a[0]), 1U);
  EXPECT_EQ(held(a[1]), 0U);
  a[0].broker->remove_interest("room:1");
  turn();
  EXPECT_EQ(held(a[0]), 0U);
  EXPECT_EQ(a[0].metrics.nats_subscriptions, 0U);
}

TEST_F(PresenceNewsTest, TheLastLeavesOfANodeAreToldWhenItEnds) {
  come(a[0], "room:1", "watcher");
  come(b[0], "room:1", "x");
  come(b[1], "room:2", "y");
  come(a[0], "room:2", "watcher2");
  pass(seconds(2));
  a[0].news.clear();
  go(b[0], "room:1", "x");
  go(b[1], "room:2", "y");
  for (const auto& shard : b.shards) shard->node->leave(now);
  turn();
  for (const auto& shard : b.shards) EXPECT_TRUE(shard->node->left());
  std::sort(a[0].news.begin(), a[0].news.end());
  EXPECT_EQ(a[0].news, (News{"room:1 -x", "room:2 -y"}));
}

TEST_F(PresenceNewsTest, WhatIsToldWhileNatsIsAwayIsCounted) {
  come(a[0], "room:1", "watcher");
  pass(seconds(2));
  a[0].news.clear();
  cut(a);
  come(a[0], "room:1", "x");
  pass(seconds(2));
  EXPECT_TRUE(a[0].news.empty());
  EXPECT_EQ(
      a[0].metrics.presence_changes_dropped_total + a[1].metrics.presence_changes_dropped_total,
      1U);
}

TEST_F(PresenceNewsTest, WhatIsNoNewsIsDroppedAndCounted) {
  come(a[0], "room:1", "watcher");
  pass(seconds(2));
  a[0].news.clear();
  const std::string subject = "millrace.node.all.presence.room.1";
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string(R"({"joins":{"a":{"user":7}}})"),
        std::string(kMaxPresenceBody + 1, ' ')}) {
    nats.publish({.subject = subject, .data = bad});
  }
  turn();
  EXPECT_TRUE(a[0].news.empty());
  EXPECT_EQ(a[0].metrics.node_messages_dropped_total, 4U);
  nats.publish({.subject = subject, .data = R"({"joins":{"z":{}}})"});
  turn();
  EXPECT_EQ(a[0].news, News{"room:1 +z"});
}

struct WidePresenceNews : PresenceNewsTest {
  WidePresenceNews() : PresenceNewsTest(wide()) {}
  static NatsOptions wide() {
    NatsOptions options;
    options.prefix_namespaces = {"room"};
    options.subject_prefix = "eu";
    return options;
  }
};

TEST_F(WidePresenceNews, OneSubscriptionIsForAllOfANamespace) {
  come(a[0], "room:1", "1");
  come(a[0], "room:2", "2");
  EXPECT_EQ(held(a[0]), 1U);
  come(b[0], "room:1", "x");
  come(b[0], "room:3", "y");
  pass(seconds(2));
  EXPECT_EQ(std::count(a[0].news.begin(), a[0].news.end(), "room:1 +x"), 1);
  EXPECT_EQ(std::count(a[0].news.begin(), a[0].news.end(), "room:3 +y"), 0) << "nobody is there";
  a[0].broker->remove_interest("room:1");
  turn();
  EXPECT_EQ(held(a[0]), 1U);
  a[0].broker->remove_interest("room:2");
  turn();
  EXPECT_EQ(held(a[0]), 0U);
}

}  // namespace
}  // namespace millrace

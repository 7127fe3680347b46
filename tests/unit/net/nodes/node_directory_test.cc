#include "net/nodes/node_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

constexpr Instant kStart{1'000'000'000};

class Watched final : public NodeWatcher {
 public:
  void on_node_new(const NodeId& node, Instant) override { news.push_back(node); }
  void on_node_gone(const NodeId& node, Instant) override { gone.push_back(node); }

  std::vector<NodeId> news;
  std::vector<NodeId> gone;
};

class NodeDirectoryTest : public testing::Test {
 protected:
  NodeDirectoryTest() {
    directory_.watch(watched_);
    directory_.hears(true, kStart);
  }

  NodeId node() { return NodeId::random(random_); }
  static NodeBeat beat(const NodeId& id, std::uint64_t number) {
    return {.id = id, .number = number, .facts = {.name = "mill"}};
  }
  static NodeBeat goodbye(const NodeId& id, std::uint64_t number) {
    return {.id = id, .number = number, .goodbye = true};
  }

  Random random_{3};
  NodeDirectory directory_{NodeId::random(random_)};
  Watched watched_;
};

TEST_F(NodeDirectoryTest, ABeatMakesANodeKnown) {
  const NodeId other = node();
  EXPECT_FALSE(directory_.known(other));
  directory_.heard(beat(other, 1), kStart);
  ASSERT_TRUE(directory_.known(other));
  EXPECT_EQ(directory_.find(other)->facts.name, "mill");
  EXPECT_EQ(watched_.news, std::vector{other});
  directory_.heard(beat(other, 2), kStart + seconds(1));
  EXPECT_EQ(watched_.news.size(), 1U);
  EXPECT_EQ(directory_.others().size(), 1U);
}

TEST_F(NodeDirectoryTest, ItIsNoneOfTheOthers) {
  NodeBeat own = beat(directory_.self(), 1);
  own.facts.clients = 7;
  directory_.heard(own, kStart);
  EXPECT_TRUE(directory_.others().empty());
  EXPECT_FALSE(directory_.known(directory_.self()));
  EXPECT_EQ(directory_.self_facts().clients, 7U);
}

TEST_F(NodeDirectoryTest, OthersAreInOneOrder) {
  for (int i = 0; i < 20; ++i) directory_.heard(beat(node(), 1), kStart);
  const auto& others = directory_.others();
  EXPECT_TRUE(std::is_sorted(others.begin(), others.end(),
                             [](const auto& a, const auto& b) { return a.id < b.id; }));
  for (const KnownNode& other : others) EXPECT_EQ(directory_.find(other.id), &other);
}

TEST_F(NodeDirectoryTest, ThreeMissedBeatsAreTheEnd) {
  const NodeId other = node();
  EXPECT_EQ(directory_.next_due(), Instant::never());
  directory_.heard(beat(other, 1), kStart);
  const Instant due = kStart + NodeDirectory::kGoneAfter;
  EXPECT_EQ(directory_.next_due(), due);
  directory_.expire(due - nanoseconds(1));
  EXPECT_TRUE(directory_.known(other));
  directory_.expire(due);
  EXPECT_FALSE(directory_.known(other));
  EXPECT_EQ(watched_.gone, std::vector{other});
  EXPECT_EQ(directory_.stats().gone, 1U);
}

TEST_F(NodeDirectoryTest, OnlyTheSilentGo) {
  const std::vector<NodeId> nodes{node(), node(), node()};
  for (const NodeId& id : nodes) directory_.heard(beat(id, 1), kStart);
  directory_.heard(beat(nodes[1], 2), kStart + seconds(1));
  directory_.expire(kStart + NodeDirectory::kGoneAfter);
  EXPECT_EQ(directory_.others().size(), 1U);
  EXPECT_TRUE(directory_.known(nodes[1]));
}

TEST_F(NodeDirectoryTest, AGoodbyeIsAtOnceAndForGood) {
  const NodeId other = node();
  directory_.heard(beat(other, 5), kStart);
  directory_.heard(goodbye(other, 6), kStart);
  EXPECT_EQ(watched_.gone, std::vector{other});
  directory_.heard(beat(other, 5), kStart);
  directory_.heard(beat(other, 99), kStart + seconds(9));
  EXPECT_FALSE(directory_.known(other));
  EXPECT_EQ(watched_.news.size(), 1U);
  EXPECT_EQ(directory_.stats().late, 2U);
}

TEST_F(NodeDirectoryTest, AGoodbyeOfAStrangerIsRemembered) {
  const NodeId other = node();
  directory_.heard(goodbye(other, 6), kStart);
  directory_.heard(beat(other, 5), kStart);
  EXPECT_TRUE(watched_.news.empty());
  EXPECT_TRUE(watched_.gone.empty());
}

TEST_F(NodeDirectoryTest, AnOldGoodbyeEndsNobody) {
  const NodeId other = node();
  directory_.heard(beat(other, 5), kStart);
  directory_.heard(goodbye(other, 5), kStart);
  EXPECT_TRUE(directory_.known(other));
  EXPECT_EQ(directory_.stats().late, 1U);
}

TEST_F(NodeDirectoryTest, OneThatStoodStillComesBackWithItsNextBeat) {
  const NodeId other = node();
  directory_.heard(beat(other, 5), kStart);
  directory_.expire(kStart + seconds(10));
  directory_.heard(beat(other, 5), kStart + seconds(10));  // late
  EXPECT_FALSE(directory_.known(other));
  directory_.heard(beat(other, 6), kStart + seconds(10));
  EXPECT_TRUE(directory_.known(other));
  EXPECT_EQ(watched_.news.size(), 2U);
}

TEST_F(NodeDirectoryTest, WhoHearsNobodyLosesNobody) {
  const NodeId other = node();
  directory_.heard(beat(other, 1), kStart);
  directory_.hears(false, kStart + seconds(1));
  EXPECT_EQ(directory_.next_due(), Instant::never());
  directory_.expire(kStart + seconds(60));
  EXPECT_TRUE(directory_.known(other));
  // Heard again: the other has its time anew.
  directory_.hears(true, kStart + seconds(60));
  directory_.expire(kStart + seconds(60) + NodeDirectory::kGoneAfter - nanoseconds(1));
  EXPECT_TRUE(directory_.known(other));
  directory_.expire(kStart + seconds(60) + NodeDirectory::kGoneAfter);
  EXPECT_FALSE(directory_.known(other));
}

TEST_F(NodeDirectoryTest, ItSettlesAfterAWhileOfHearing) {
  EXPECT_FALSE(directory_.settled(kStart + NodeDirectory::kSettle - nanoseconds(1)));
  EXPECT_TRUE(directory_.settled(kStart + NodeDirectory::kSettle));
  directory_.hears(false, kStart + seconds(5));
  EXPECT_FALSE(directory_.settled(kStart + seconds(50)));
  directory_.hears(true, kStart + seconds(60));
  EXPECT_FALSE(directory_.settled(kStart + seconds(60)));
  EXPECT_TRUE(directory_.settled(kStart + seconds(61)));
}

TEST_F(NodeDirectoryTest, ThereIsRoomForSoManyAndNoMore) {
  std::vector<NodeId> nodes;
  for (std::size_t i = 0; i < NodeDirectory::kMaxNodes; ++i) {
    nodes.push_back(node());
    directory_.heard(beat(nodes.back(), 1), kStart);
  }
  EXPECT_EQ(directory_.others().size(), NodeDirectory::kMaxNodes);
  const NodeId late = node();
  directory_.heard(beat(late, 1), kStart);
  EXPECT_FALSE(directory_.known(late));
  EXPECT_EQ(directory_.stats().refused, 1U);
  directory_.heard(beat(nodes[0], 2), kStart);  // who is there stays
  directory_.heard(goodbye(nodes[1], 2), kStart);
  directory_.heard(beat(late, 2), kStart);
  EXPECT_TRUE(directory_.known(late));
}

TEST_F(NodeDirectoryTest, MemoriesOfTheGoneAreBounded) {
  const NodeId first = node();
  directory_.heard(goodbye(first, 1), kStart);
  for (std::size_t i = 0; i < NodeDirectory::kMaxNodes; ++i) {
    directory_.heard(goodbye(node(), 1), kStart);
  }
  directory_.heard(beat(first, 2), kStart);
  EXPECT_TRUE(directory_.known(first));
}

TEST_F(NodeDirectoryTest, WhoUnwatchesIsToldNoMore) {
  directory_.unwatch(watched_);
  directory_.heard(beat(node(), 1), kStart);
  EXPECT_TRUE(watched_.news.empty());
}

}  // namespace
}  // namespace millrace

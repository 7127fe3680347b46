#include <gtest/gtest.h>

#include "tests/unit/core/hub/memory_broker_node.h"

namespace millrace {
namespace {

constexpr PresenceOptions kTold{.members = true, .announce = true};

struct MemoryBrokerPresence : testing::Test, BrokerPair {};

TEST_F(MemoryBrokerPresence, MembersOfAllShardsAreKnownToAll) {
  a.broker.add_member(far, {.user = "u", .client = "1"}, kTold, Instant{});
  b.broker.add_member(far, {.user = "u", .client = "2"}, kTold, Instant{});
  a.broker.read_presence(far, false, 1, Instant{});
  settle();
  b.broker.read_presence(far, true, 2, Instant{});
  EXPECT_EQ(a.counts[1], (PresenceCounts{2, 1}));
  EXPECT_EQ(a.members[1].size(), 2U);
  EXPECT_EQ(b.counts[2], (PresenceCounts{2, 1}));
  EXPECT_TRUE(b.members[2].empty());
  a.broker.remove_member(far, "1", Instant{});
  a.broker.read_presence(far, false, 3, Instant{});
  settle();
  EXPECT_EQ(a.members[3], std::vector<std::string>{"2"});
}

TEST_F(MemoryBrokerPresence, AFullLaneDelaysWhoComesAndRefusesWhoAsks) {
  fill(a, ShardId{1});
  a.broker.add_member(far, {.client = "1"}, kTold, Instant{});
  a.broker.read_presence(far, true, 1, Instant{});
  EXPECT_FALSE(a.available[1]);
  settle();
  a.broker.read_presence(far, true, 2, Instant{});
  settle();
  EXPECT_TRUE(a.available[2]);
  EXPECT_EQ(a.counts[2].clients, 1U);
}

TEST_F(MemoryBrokerPresence, WhoComesIsToldToShardsWithInterest) {
  static_cast<void>(a.broker.add_interest(far, 1));
  static_cast<void>(b.broker.add_interest(far, 2));
  settle();
  a.broker.add_member(far, {.client = "1"}, kTold, Instant{});
  settle();
  b.timers.advance(Instant{} + seconds(2));
  settle();
  EXPECT_EQ(a.news, std::vector<std::string>{"+1"});
  EXPECT_EQ(b.news, std::vector<std::string>{"+1"});
  a.broker.remove_member(far, "1", Instant{} + seconds(2));
  settle(Instant{} + seconds(2));
  for (int second = 3; second < 12; ++second) b.timers.advance(Instant{} + seconds(second));
  settle(Instant{} + seconds(12));
  EXPECT_EQ(a.news, (std::vector<std::string>{"+1", "-1"}));
  EXPECT_EQ(b.timers.size(), 0U);
}

}  // namespace
}  // namespace millrace

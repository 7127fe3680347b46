#include "net/api/channel_listing.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/session_world.h"

namespace millrace {
namespace {

class ChannelListingTest : public ::testing::Test, public ApiShareSink {
 protected:
  void on_share(ShardId to, ApiShare share, Instant) override {
    EXPECT_EQ(to, ShardId{3});
    shares_.push_back(std::move(share));
  }
  void subscribe(const std::vector<std::string>& channels) {
    const FileSlot file = world_.open_as("ann");
    int id = 1;
    for (const std::string& channel : channels) {
      world_.ask(file, SessionWorld::subscribe(++id, channel));
    }
  }
  void run() {
    while (listing_.ready()) listing_.turn(world_.clock().now());
  }

  SessionWorld world_;
  ChannelListing listing_{world_.shard().hub(), *this};
  std::vector<ApiShare> shares_;
};

TEST_F(ChannelListingTest, ListsWhatFitsThePattern) {
  subscribe({"news", "room:1", "room:22"});
  subscribe({"news"});
  listing_.list(ShardId{3}, 7, "");
  listing_.list(ShardId{3}, 8, "room:?");
  run();
  ASSERT_EQ(shares_.size(), 2U);
  EXPECT_EQ(shares_[0].call, 7U);
  EXPECT_TRUE(shares_[0].last);
  EXPECT_EQ(shares_[0].listed.size(), 3U);
  EXPECT_EQ(shares_[0].listed[0], (std::pair<OwnedBytes, std::uint64_t>("news", 2)));
  ASSERT_EQ(shares_[1].listed.size(), 1U);
  EXPECT_EQ(shares_[1].listed[0].first, "room:1");
}

TEST_F(ChannelListingTest, CountsByHashes) {
  subscribe({"a", "b"});
  listing_.count(ShardId{3}, 7);
  run();
  ASSERT_EQ(shares_.size(), 1U);
  EXPECT_EQ(shares_[0].channels.size(), 2U);
  EXPECT_TRUE(shares_[0].listed.empty());
}

TEST_F(ChannelListingTest, WithoutChannelsThereIsALastShareNevertheless) {
  listing_.list(ShardId{3}, 7, "*");
  run();
  ASSERT_EQ(shares_.size(), 1U);
  EXPECT_TRUE(shares_[0].last);
}

// A pattern of the greatest length looks at few channels a turn.
TEST_F(ChannelListingTest, ADearPatternTakesMoreTurns) {
  std::vector<std::string> channels;
  for (int i = 0; i < 100; ++i) channels.push_back("c" + std::to_string(i));
  subscribe(channels);
  listing_.list(ShardId{3}, 7, std::string(254, '*') + "x");
  int turns = 0;
  for (; listing_.ready(); ++turns) listing_.turn(world_.clock().now());
  EXPECT_GE(turns, 3);
  listing_.list(ShardId{3}, 7, "x*");
  turns = 0;
  for (; listing_.ready(); ++turns) listing_.turn(world_.clock().now());
  EXPECT_EQ(turns, 1);
}

}  // namespace
}  // namespace millrace

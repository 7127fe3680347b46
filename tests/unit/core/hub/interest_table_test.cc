#include "core/hub/interest_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/allocated_bytes.h"

namespace millrace {
namespace {

std::vector<std::uint16_t> wanted_by(const InterestTable& table, Bytes channel) {
  std::vector<std::uint16_t> shards;
  for (const ShardId shard : table.wanted_by(channel)) shards.push_back(shard.value);
  return shards;
}

using Shards = std::vector<std::uint16_t>;

TEST(InterestTable, KnowsWhoWantsAChannel) {
  InterestTable table;
  EXPECT_EQ(wanted_by(table, "a"), Shards{});
  table.add("a", ShardId{7});
  table.add("a", ShardId{65'535});
  table.add("a", ShardId{0});
  table.add("", ShardId{1});
  EXPECT_EQ(wanted_by(table, "a"), (Shards{7, 65'535, 0}));
  EXPECT_EQ(wanted_by(table, ""), Shards{1});
  EXPECT_EQ(wanted_by(table, "A"), Shards{});
  EXPECT_EQ(table.size(), 2U);
  table.remove("a", ShardId{65'535});
  EXPECT_EQ(wanted_by(table, "a"), (Shards{7, 0}));
  table.remove("a", ShardId{7});
  table.remove("a", ShardId{0});
  EXPECT_EQ(wanted_by(table, "a"), Shards{});
  EXPECT_EQ(table.size(), 1U);
}

TEST(InterestTable, ANameHasALimit) {
  InterestTable table;
  for (const std::size_t size : {InterestTable::kMaxName - 1, InterestTable::kMaxName}) {
    const std::string name(size, 'x');
    for (std::uint16_t shard = 0; shard < 3; ++shard) table.add(name, ShardId{shard});
    EXPECT_EQ(wanted_by(table, name), (Shards{0, 1, 2}));
  }
  EXPECT_EQ(table.size(), 2U);
  EXPECT_DEATH(table.add(std::string(InterestTable::kMaxName + 1, 'x'), ShardId{0}), "CHECK");
}

TEST(InterestTable, EveryShardOfALargeProcessMayWantOne) {
  InterestTable table;
  Shards all;
  for (std::uint16_t shard = 0; shard < 1'024; ++shard) {
    table.add("news", ShardId{shard});
    all.push_back(shard);
  }
  EXPECT_EQ(wanted_by(table, "news"), all);
  for (const std::uint16_t shard : all) table.remove("news", ShardId{shard});
  EXPECT_EQ(table.size(), 0U);
}

TEST(InterestTableDeathTest, WantingTwiceAndLeavingUnaskedAreCaught) {
  InterestTable table;
  table.add("a", ShardId{1});
  EXPECT_DEATH(table.add("a", ShardId{1}), "CHECK");
  EXPECT_DEATH(table.remove("a", ShardId{2}), "CHECK");
  EXPECT_DEATH(table.remove("b", ShardId{1}), "CHECK");
}

TEST(InterestTable, AgreesWithAMap) {
  InterestTable table;
  std::map<std::string, Shards> model;
  std::mt19937 random(1);
  for (int step = 0; step < 100'000; ++step) {
    const std::string channel = "room:" + std::to_string(random() % 500);
    const auto shard = static_cast<std::uint16_t>(random() % 4);
    Shards& shards = model[channel];
    if (std::ranges::find(shards, shard) == shards.end()) {
      table.add(channel, ShardId{shard});
      shards.push_back(shard);
    } else {
      table.remove(channel, ShardId{shard});
      std::erase(shards, shard);
    }
    ASSERT_EQ(wanted_by(table, channel), shards);
    if (shards.empty()) model.erase(channel);
    ASSERT_EQ(table.size(), model.size());
  }
}

TEST(InterestTable, AChannelOfOneShardCostsLittleAndNothingBehind) {
  constexpr int kChannels = 1'000'000;
  const std::int64_t before = allocated_bytes();
  {
    InterestTable table;
    for (int i = 0; i < kChannels; ++i) table.add("room:" + std::to_string(i), ShardId{0});
    EXPECT_LE((allocated_bytes() - before) / kChannels, 64);
  }
  EXPECT_EQ(allocated_bytes(), before);
}

}  // namespace
}  // namespace millrace

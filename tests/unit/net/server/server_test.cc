#include "net/server/server.h"

#include <gtest/gtest.h>

#include <cmath>

namespace millrace {
namespace {

constexpr std::uint64_t kReserved = ClientShard::kRefusalSlots;

TEST(RingCapacity, AMillionUnder20000DescriptorsWants56ShardsOrMore) {
  EXPECT_GE(ring_capacity(56, 20'000, kReserved), 1'000'000U);
  EXPECT_LT(ring_capacity(50, 20'000, kReserved), 1'000'000U);
}

TEST(RingCapacity, OneShardGetsAllConnections) {
  EXPECT_EQ(ring_capacity(1, 1'000, 64), 936U);
  EXPECT_EQ(ring_capacity(1, 65, 64), 1U);
}

TEST(RingCapacity, NothingIsLeftBelowTheReserve) {
  for (const std::uint64_t files : {0U, 1U, 63U, 64U}) {
    EXPECT_EQ(ring_capacity(1, files, 64), 0U);
    EXPECT_EQ(ring_capacity(8, files, 64), 0U);
  }
}

TEST(RingCapacity, KeepsSixDeviationsAndNoMoreThanThatFree) {
  for (const std::size_t shards : {2U, 3U, 8U, 64U, 256U}) {
    for (std::uint64_t files = 65; files < 2'000'000; files = files * 5 / 4 + 1) {
      const std::uint64_t capacity = ring_capacity(shards, files, kReserved);
      ASSERT_EQ(capacity % shards, 0U);
      const double mean = static_cast<double>(capacity / shards);
      const double room = static_cast<double>(files - kReserved);
      ASSERT_LE(mean + 6 * std::sqrt(mean), room) << shards << " " << files;
      ASSERT_GT(mean + 1 + 6 * std::sqrt(mean + 1), room) << "one more a shard would not fit";
    }
  }
}

TEST(RingCapacity, GrowsWithFilesAndShards) {
  std::uint64_t last = 0;
  for (std::uint64_t files = 65; files < 100'000; files += 97) {
    const std::uint64_t capacity = ring_capacity(4, files, kReserved);
    ASSERT_GE(capacity, last);
    last = capacity;
    ASSERT_GE(ring_capacity(5, files, kReserved), capacity);
  }
}

}  // namespace
}  // namespace millrace

#include "net/jet/edge_cache.h"

#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

constexpr Instant kNow{1'000'000'000};

std::vector<std::uint64_t> offsets(const CacheWindow& window) {
  std::vector<std::uint64_t> found;
  for (const CachedPublication* each = window.front(); each != nullptr;
       each = CacheWindow::next(*each)) {
    found.push_back(each->offset);
  }
  return found;
}
using Offsets = std::vector<std::uint64_t>;

TEST(EdgeCache, KeepsTheLastOfAChannelAndKnowsFromWhere) {
  ShardMetrics metrics;
  EdgeCache cache(metrics);
  CacheWindow window;
  cache.reset(window, 7);
  EXPECT_EQ(window.floor(), 7U);
  for (const std::uint64_t offset : {10U, 20U, 30U, 40U})
    cache.add(window, offset, "x", "", 3, kNow);
  EXPECT_EQ(offsets(window), (Offsets{20, 30, 40}));
  EXPECT_EQ(window.floor(), 10U);
  EXPECT_NE(window.find(30), nullptr);
  EXPECT_EQ(window.find(10), nullptr);
  EXPECT_EQ(metrics.stream_cache_bytes, cache.bytes());
  cache.raise(window, 30);
  EXPECT_EQ(offsets(window), (Offsets{40}));
  cache.raise(window, 5);
  EXPECT_EQ(window.floor(), 30U);
  cache.reset(window, 1);
  EXPECT_EQ(offsets(window), Offsets{});
  EXPECT_EQ(window.floor(), 1U);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(EdgeCache, TheOldestOfAllGoesForWantOfRoom) {
  ShardMetrics metrics;
  EdgeCache cache(metrics, 3 * (EdgeCache::kOverhead + 10));
  CacheWindow a;
  CacheWindow b;
  const std::string data(10, 'x');
  cache.add(a, 1, data, "", 9, kNow);
  cache.add(b, 2, data, "", 9, kNow);
  cache.add(a, 3, data, "", 9, kNow);
  EXPECT_EQ(offsets(a), (Offsets{1, 3}));
  cache.add(b, 4, data, "", 9, kNow);
  EXPECT_EQ(offsets(a), (Offsets{3}));
  EXPECT_EQ(a.floor(), 1U);
  EXPECT_EQ(offsets(b), (Offsets{2, 4}));
  // What is more than all room there is goes itself, and nothing is known before it.
  cache.add(a, 5, std::string(1'000, 'x'), "", 9, kNow);
  EXPECT_EQ(offsets(a), Offsets{});
  EXPECT_EQ(a.floor(), 5U);
  EXPECT_EQ(b.floor(), 4U);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(EdgeCache, WhatIsTooOldGoes) {
  ShardMetrics metrics;
  EdgeCache cache(metrics);
  CacheWindow window;
  cache.add(window, 1, "x", "", 9, kNow);
  cache.add(window, 2, "x", "", 9, kNow + seconds(1));
  cache.expire(window, kNow);
  EXPECT_EQ(offsets(window), (Offsets{1, 2}));
  cache.expire(window, kNow + seconds(1));
  EXPECT_EQ(offsets(window), (Offsets{2}));
  EXPECT_EQ(window.floor(), 1U);
  cache.reset(window, 0);
}

}  // namespace
}  // namespace millrace

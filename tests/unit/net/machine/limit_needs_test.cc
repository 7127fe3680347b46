#include "net/machine/limit_needs.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kMemory = std::uint64_t{24} << 30;
constexpr std::uint64_t kLots = UINT64_MAX;

TEST(LimitNeeds, OfAMillion) {
  EXPECT_EQ(kBytesPerConnection, 4'480U);
  EXPECT_EQ(accept_queue_needed(kMillion), 65'535U);
  EXPECT_EQ(syn_backlog_needed(kMillion), 100'000U);
  EXPECT_EQ(device_backlog_needed(kMillion), 20'000U);
  EXPECT_EQ(tcp_mem_needed(kMillion, kMemory / 4'096),
            (std::array<std::uint64_t, 3>{1'500'000, 2'000'000, 3'000'000}));
  EXPECT_EQ(receive_buffer_most(kMillion, kMemory), 1'048'576U);
  EXPECT_EQ(closing_needed(kMillion), 500'000U);
  EXPECT_EQ(conntrack_needed(kMillion, 0), 1'250'000U);
  EXPECT_EQ(conntrack_buckets_needed(1'250'000), 312'500U);
  EXPECT_EQ(mappings_needed(kMillion), 250'000U);
  EXPECT_EQ(proxy_addresses_needed(kMillion, 64'512), 40U);
  EXPECT_EQ(proxy_addresses_needed(kMillion, 28'232), 71U);
}

TEST(LimitNeeds, StayBetweenTheirEnds) {
  EXPECT_EQ(accept_queue_needed(1), 128U);
  EXPECT_EQ(accept_queue_needed(1'281), 129U);
  EXPECT_EQ(accept_queue_needed(kLots), 65'535U);
  EXPECT_EQ(syn_backlog_needed(kLots), 262'144U);
  EXPECT_EQ(device_backlog_needed(1), 1'000U);
  EXPECT_EQ(device_backlog_needed(kLots), 30'000U);
  EXPECT_EQ(receive_buffer_most(1, kLots), 32U << 20);
  EXPECT_EQ(receive_buffer_most(kLots, 0), 65'536U);
  EXPECT_EQ(closing_needed(1), 4'096U);
  EXPECT_EQ(mappings_needed(1), 65'530U);
  EXPECT_EQ(proxy_addresses_needed(1, 0), 1U);
  EXPECT_EQ(ports_needed(kLots), kLots);
}

TEST(LimitNeeds, TcpMemIsAtMostHalfOfTheMemory) {
  EXPECT_EQ(tcp_mem_needed(kMillion, 1'000'000),
            (std::array<std::uint64_t, 3>{250'000, 333'333, 500'000}));
  for (const std::uint64_t connections : {std::uint64_t{1}, std::uint64_t{2}, kMillion, kLots}) {
    const auto [low, pressure, high] = tcp_mem_needed(connections, 0);
    EXPECT_LE(low, pressure);
    EXPECT_LE(pressure, high);
  }
}

// What is needed holds, and one less does not.
TEST(LimitNeeds, MemoryAndConntrackAreInversesOfWhatTheyHold) {
  for (const std::uint64_t fixed : {std::uint64_t{0}, std::uint64_t{8} << 20}) {
    for (std::uint64_t n = 1; n < 200'000'000; n = n * 3 + 1) {
      const std::uint64_t memory = memory_needed(n, fixed);
      ASSERT_EQ(memory_holds(memory, fixed), n);
      ASSERT_EQ(memory_holds(memory - 2, fixed), n - 1);
      const std::uint64_t entries = conntrack_needed(n, 77);
      ASSERT_EQ(conntrack_holds(entries, 77), n);
      ASSERT_EQ(conntrack_holds(entries - 1, 77), n - 1);
    }
  }
}

TEST(LimitNeeds, SumsStayAtTheirEnds) {
  EXPECT_EQ(plus(kLots, 1), kLots);
  EXPECT_EQ(plus(kLots - 1, 1), kLots);
  EXPECT_EQ(times(kLots / 2 + 1, 2), kLots);
  EXPECT_EQ(times(7, 0), 0U);
  EXPECT_EQ(minus(1, 2), 0U);
  EXPECT_EQ(conntrack_needed(kLots, kLots), kLots);
  EXPECT_EQ(memory_needed(kLots, kLots), kLots);
  EXPECT_EQ(memory_holds(0, 1), 0U);
  EXPECT_EQ(conntrack_holds(5, 9), 0U);
  EXPECT_EQ(memory_holds(kLots, 0), (kLots - kLots / 10 - 1) / 4'480);
}

}  // namespace
}  // namespace millrace

#include "net/server/socket_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "net/server/admin_shard.h"
#include "net/server/client_shard.h"

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

constexpr std::uint64_t kAShard = 68;

TEST(ProcessCapacity, LeavesTheServersOwnDescriptorsFree) {
  const std::uint64_t own = 1'000'000 - process_capacity(2, 1'000'000, kAShard);
  EXPECT_GT(own, 2 * kAShard + AdminShard::kFiles);
  EXPECT_LT(own, 1'000U);  // the common soft limit of 1,024 is enough for some
  EXPECT_EQ(process_capacity(2, own + 1, kAShard), 1U);
  EXPECT_EQ(process_capacity(2, own, kAShard), 0U);
  EXPECT_EQ(process_capacity(2, own - 1, kAShard), 0U);
  EXPECT_EQ(process_capacity(2, 0, kAShard), 0U);
  EXPECT_EQ(process_capacity(3, own + kAShard + 1, kAShard), 1U);
}

TEST(ShardDescriptors, CountWhatTheConfigurationMakesAShardOpen) {
  Config config;
  config.server.listen.resize(1);
  const std::uint64_t one = shard_descriptors(config);
  EXPECT_GE(one, kReserved + 3);  // a listener, a ring and its wake-ups
  config.server.listen.resize(16);
  EXPECT_EQ(shard_descriptors(config), one + 15);
  config.broker.kind = BrokerKind::kNats;
  EXPECT_GT(shard_descriptors(config), one + 15);
}

// --- The plan ------------------------------------------------------------------------------------

Config with_cap(std::uint32_t max_connections) {
  Config config;
  config.server.max_connections = max_connections;
  return config;
}

std::string refusal(const Config& config, std::size_t shards, std::uint64_t descriptors,
                    bool direct) {
  const Result<SocketPlan> plan = plan_sockets(config, shards, descriptors, direct);
  return plan.ok() ? "it fits" : plan.error().text;
}

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos && text.find('\n') == std::string::npos;
}

TEST(SocketPlan, ATableOfARingHoldsAMillionAndNoMore) {
  for (const std::uint64_t descriptors : {1'048'575U, 1'048'576U, 1'048'577U, 20'000'000U}) {
    const auto plan = plan_sockets(with_cap(0), 2, descriptors, true);
    ASSERT_TRUE(plan.ok()) << plan.error().text;
    EXPECT_EQ(plan->files, std::min<std::uint64_t>(descriptors, 1'048'576)) << descriptors;
    EXPECT_EQ(plan->max_connections, ring_capacity(2, plan->files, kReserved));
  }
}

TEST(SocketPlan, DescriptorsOfTheProcessKnowNoLimitOfATable) {
  const std::uint64_t own =
      1'000'000 - plan_sockets(with_cap(0), 2, 1'000'000, false)->max_connections;
  for (const std::uint64_t descriptors : {1'048'575U, 1'048'576U, 1'048'577U, 20'000'000U}) {
    const auto plan = plan_sockets(with_cap(0), 2, descriptors, false);
    ASSERT_TRUE(plan.ok()) << plan.error().text;
    EXPECT_EQ(plan->max_connections, descriptors - own);
    // One shard may get them all.
    EXPECT_EQ(plan->files, descriptors - own + kReserved);
  }
  const auto two_million = plan_sockets(with_cap(2'000'000), 1, 4'000'000, false);
  ASSERT_TRUE(two_million.ok()) << two_million.error().text;
  EXPECT_EQ(two_million->files, 2'000'000 + kReserved);
  EXPECT_TRUE(plan_sockets(with_cap(0), 1, UINT64_MAX, false).ok());
}

TEST(SocketPlan, ACapIsTakenUpToWhatFits) {
  for (const bool direct : {true, false}) {
    const auto most =
        static_cast<std::uint32_t>(plan_sockets(with_cap(0), 2, 20'000, direct)->max_connections);
    for (const std::uint32_t cap : {1U, most - 1, most}) {
      const auto plan = plan_sockets(with_cap(cap), 2, 20'000, direct);
      ASSERT_TRUE(plan.ok()) << plan.error().text;
      EXPECT_EQ(plan->max_connections, cap);
      EXPECT_EQ(plan->files, std::min<std::uint64_t>(20'000, cap + kReserved));
    }
    EXPECT_TRUE(says(refusal(with_cap(most + 1), 2, 20'000, direct), "lower the cap"));
  }
}

TEST(SocketPlan, MoreShardsHelpWhereEachHasATable) {
  const std::string text = refusal(with_cap(30'000), 1, 20'000, true);
  for (const char* words : {"max_connections 30000 does not fit: 1 shard holds 19936", "ulimit -n",
                            "add shards (--shards)"}) {
    EXPECT_TRUE(says(text, words)) << words << ": " << text;
  }
  EXPECT_EQ(refusal(with_cap(30'000), 2, 20'000, true), "it fits");
}

TEST(SocketPlan, TheAdminPortsTableHasATextOfItsOwn) {
  constexpr std::uint64_t kNeeded = AdminShard::kFiles;
  EXPECT_EQ(refusal(with_cap(0), 4, kNeeded, true), "it fits");
  EXPECT_EQ(refusal(with_cap(0), 4, kNeeded + 1, true), "it fits");
  for (const std::uint64_t descriptors : {std::uint64_t{0}, std::uint64_t{80}, kNeeded - 1}) {
    const std::string text = refusal(with_cap(0), 4, descriptors, true);
    EXPECT_TRUE(says(text, "admin port")) << text;
    EXPECT_TRUE(says(text, "takes " + std::to_string(kNeeded))) << text;
    EXPECT_TRUE(says(text, "ulimit -n")) << text;
    EXPECT_FALSE(says(text, "--shards")) << "no fix: " << text;
  }
}

// The fix that is named must be one: the number behind `before`.
std::uint64_t number_after(const std::string& text, const std::string& before) {
  const std::size_t at = text.find(before);
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + before.size()));
}

TEST(SocketPlan, TooManyShardsForTheProcessNamesFixesThatWork) {
  for (const std::uint32_t cap : {0U, 200U, 300U}) {
    const std::string text = refusal(with_cap(cap), 40, 1'000, false);
    EXPECT_EQ(number_after(text, "a shard takes "), shard_descriptors(with_cap(cap))) << text;
    EXPECT_FALSE(says(text, "lower the cap")) << "no fix: " << text;
    EXPECT_FALSE(says(text, "add shards")) << "no fix: " << text;
    const std::uint64_t shards = number_after(text, "run ");
    ASSERT_GT(shards, 0U) << text;
    EXPECT_EQ(refusal(with_cap(cap), shards, 1'000, false), "it fits") << text;
    EXPECT_NE(refusal(with_cap(cap), shards + 1, 1'000, false), "it fits") << text;
    const std::uint64_t descriptors = number_after(text, "raise it to ");
    EXPECT_EQ(refusal(with_cap(cap), 40, descriptors, false), "it fits") << text;
    EXPECT_NE(refusal(with_cap(cap), 40, descriptors - 1, false), "it fits") << text;
  }
}

TEST(SocketPlan, FewerShardsAreNoFixWhereOneIsTooManyAlready) {
  const std::string text = refusal(with_cap(0), 4, 80, false);
  EXPECT_FALSE(says(text, "--shards")) << text;
  EXPECT_TRUE(says(text, "raise it to ")) << text;
}

TEST(SocketPlan, ACapThatSomeOfFitsMayBeLowered) {
  const std::string text = refusal(with_cap(1'000'000), 8, 1'000, false);
  EXPECT_TRUE(says(text, "max_connections 1000000 does not fit: 8 shards hold ")) << text;
  EXPECT_TRUE(says(text, "lower the cap")) << text;
  EXPECT_FALSE(says(text, "run ")) << "no fix: " << text;
}

// --- What a number of connections needs ----------------------------------------------------------

TEST(DescriptorsFor, AreTheLeastThatHoldSoMany) {
  const Config config = with_cap(0);
  for (const bool direct : {true, false}) {
    for (const std::size_t shards : {1U, 2U, 64U}) {
      for (const std::uint64_t connections : {1U, 1'000U, 19'999U, 1'000'000U}) {
        const std::uint64_t needed = descriptors_for(config, shards, connections, direct);
        ASSERT_GT(needed, 0U);
        EXPECT_GE(socket_capacity(config, shards, needed, direct), connections);
        const bool is_floor = direct && (needed == AdminShard::kFiles ||
                                         needed == own_descriptors(config, shards, true));
        if (!is_floor) {
          EXPECT_LT(socket_capacity(config, shards, needed - 1, direct), connections);
        }
      }
    }
  }
}

TEST(DescriptorsFor, AreNoneWhereOnlyMoreShardsHelp) {
  EXPECT_GT(descriptors_for(with_cap(0), 1, 1'048'512, true), 0U);
  EXPECT_EQ(descriptors_for(with_cap(0), 1, 1'048'513, true), 0U);
  EXPECT_GT(descriptors_for(with_cap(0), 1, 1'048'513, false), 0U);
}

TEST(SocketCapacity, IsWhatAPlanTakes) {
  for (const bool direct : {true, false}) {
    for (const std::uint64_t descriptors : {0U, 300U, 320U, 1'000U, 20'000U, 3'000'000U}) {
      const auto plan = plan_sockets(with_cap(0), 2, descriptors, direct);
      EXPECT_EQ(socket_capacity(with_cap(0), 2, descriptors, direct),
                plan.ok() ? plan->max_connections : 0);
    }
  }
}

TEST(OwnDescriptors, OfDirectSocketsAreFew) {
  const Config config = with_cap(0);  // two listeners
  EXPECT_EQ(own_descriptors(config, 10, true) - own_descriptors(config, 9, true), 5U);
  EXPECT_EQ(own_descriptors(config, 10, false) - own_descriptors(config, 9, false),
            shard_descriptors(config));
  EXPECT_EQ(process_capacity(9, 20'000, shard_descriptors(config)),
            20'000 - own_descriptors(config, 9, false));
}

}  // namespace
}  // namespace millrace

#include "net/session/ping_schedule.h"

#include <gtest/gtest.h>

#include <set>

namespace millrace {
namespace {

constexpr Duration kInterval = seconds(25);

TEST(PingSchedule, IsEarlyByLessThanAStepAndNeverLate) {
  const PingSchedule pings(kInterval, 0x9e37'79b9'7f4a'7c15U);
  for (const std::uint64_t clients : {0U, 1U, 100U, 15'625U, 1'000'000U, 100'000'000U}) {
    const Duration step = pings.step_for(clients);
    EXPECT_LE(step, PingSchedule::kLongestStep);
    EXPECT_GE(step.ns, 1);
    for (std::int64_t i = 0; i < 1'000; ++i) {
      const Instant due{1'000'000'000 + i * 1'234'567};
      const Instant ping = pings.round_down(due, clients);
      EXPECT_LE(ping, due);
      EXPECT_LT(due - ping, step);
      EXPECT_EQ(pings.round_down(ping, clients), ping);
    }
  }
}

// A timer fires a little late. That must not move the next ping to the next step.
TEST(PingSchedule, WhoWasPingedAtAStepIsPingedAtOneAgain) {
  const PingSchedule pings(kInterval, 12'345'678'901);
  Instant ping = pings.round_down(Instant{90'000'000'000}, 100);
  const Instant first = ping;
  for (int i = 0; i < 100; ++i) ping = pings.round_down(ping + milliseconds(4) + kInterval, 100);
  EXPECT_EQ(ping - first, kInterval * 100);
}

TEST(PingSchedule, FewWakesForMany) {
  const PingSchedule pings(kInterval, 7);
  constexpr std::int64_t kClients = 10'000;
  std::set<std::int64_t> instants;
  for (std::int64_t i = 0; i < kClients; ++i) {
    const Instant due{kInterval.ns * i / kClients};
    instants.insert(pings.round_down(due, kClients).ns);
  }
  EXPECT_LE(instants.size(), 126U);  // 25 s in steps of 200 ms, and a part of one
}

TEST(PingSchedule, NoMoreThanSoManyTogetherUnlessAShardHasMillions) {
  const PingSchedule pings(kInterval, 7);
  // As many as are due in a step, and that is what the step was made from.
  for (const std::int64_t clients : {1'000, 16'000, 500'000}) {
    const Duration step = pings.step_for(static_cast<std::uint64_t>(clients));
    EXPECT_LE(clients * step.ns / kInterval.ns, PingSchedule::kTogether) << clients;
  }
  EXPECT_EQ(pings.step_for(16'000), PingSchedule::kLongestStep);
  EXPECT_LT(pings.step_for(17'000), PingSchedule::kLongestStep);
}

TEST(PingSchedule, ShardsDoNotKeepStepWithEachOther) {
  std::set<std::int64_t> instants;
  for (std::uint64_t shard = 0; shard < 50; ++shard) {
    const PingSchedule pings(kInterval, shard * 0x9e37'79b9'7f4a'7c15U);
    instants.insert(pings.round_down(Instant{5'000'000'000}, 1).ns);
  }
  EXPECT_GT(instants.size(), 45U);
}

}  // namespace
}  // namespace millrace

// The Nth allocation of a scenario fails, for every N: nothing breaks, nothing leaks, it is
// counted.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <iostream>
#include <regex>
#include <string>

#include "core/base/log.h"
#include "core/mem/memory_reserve.h"
#include "tests/faults/scenarios.h"
#include "tests/faults/sweep.h"

namespace millrace {
namespace {

constexpr std::uint64_t kMostTries = 2'000;  // of one scenario
constexpr std::size_t kReserve = 64 * 1024;

// The pages of the admin port tell how many allocations have failed so far.
std::string without_counts(const std::string& page) {
  static const std::regex kCounts(R"((allocation_failures_total"?[ :]|Content-Length: )\d+)");
  return page.find("allocation_failures_total") == std::string::npos
             ? page
             : std::regex_replace(page, kCounts, "$1");
}

WorldOutcome play(const Scenario& scenario, const AllocFaults::Plan& plan) {
  FaultWorld world({.allocations = plan, .ring = {}});
  scenario.play(world);
  WorldOutcome outcome = world.finish();
  for (std::string& received : outcome.received) received = without_counts(received);
  return outcome;
}

// What is made once a process is made before it is measured, libcrypto's records of errors too.
WorldOutcome reference(const Scenario& scenario, AllocFaults::Which which) {
  play(scenario, {});
  const std::uint64_t direct = play(scenario, {AllocFaults::Which::kDirect, 0, 0}).allocations;
  for (std::uint64_t n = 1; n <= direct; ++n) {
    for (const std::uint64_t in_a_row : {1, 200}) {
      play(scenario, {AllocFaults::Which::kDirect, n, in_a_row});
    }
  }
  return play(scenario, {which, 0, 0});
}

// /readyz says so while the reserve is spent.
bool is_not_ready(const WorldOutcome& outcome) {
  return std::any_of(outcome.received.begin(), outcome.received.end(), [](const auto& received) {
    return received.find("HTTP/1.1 503") != std::string::npos;
  });
}

bool told_somebody(const WorldOutcome& outcome, const WorldOutcome& expected) {
  return outcome.rejected != expected.rejected || outcome.disconnects != expected.disconnects ||
         is_not_ready(outcome) != is_not_ready(expected);
}

class AllocFailure : public testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override {
    // A world's memory is used again by the next: the kernel clears no pages in between.
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
    ASSERT_TRUE(set_log_level("error"));
    ASSERT_TRUE(MemoryReserve::install(kReserve).ok());
  }
  void TearDown() override { MemoryReserve::uninstall(); }

  // libcrypto keeps a few buffers that its first failures needed; a leak grows each time.
  static void expect_no_leak(std::int64_t before, const AllocFaults::Plan& plan) {
    if (!AllocFaults::kCountsLive) return;
    for (int i = 0; i < 3 && AllocFaults::live() != before; ++i) {
      before = AllocFaults::live();
      play(GetParam(), plan);
    }
    EXPECT_EQ(AllocFaults::live(), before) << "a leak";
  }

  struct Tally {
    std::uint64_t tried = 0;
    std::uint64_t unnoticed = 0;  // by every peer
    std::uint64_t told = 0;       // somebody was refused or disconnected, with a reason
  };

  void sweep_over(AllocFaults::Which which, std::uint64_t in_a_row, std::uint64_t most) {
    const WorldOutcome expected = reference(GetParam(), which);
    if (expected.allocations == 0) return;
    Tally tally;
    for (const std::uint64_t n : sweep(expected.allocations, most)) {
      const std::string what = std::string(GetParam().name) + ", allocation " + std::to_string(n) +
                               " and " + std::to_string(in_a_row - 1) + " more";
      SCOPED_TRACE(what);
      now_trying(what);
      const std::int64_t live = AllocFaults::live();
      {
        const WorldOutcome outcome = play(GetParam(), {which, n, in_a_row});
        ASSERT_GE(outcome.allocations_failed, 1U);
        const bool same = outcome.received == expected.received;
        // A library may do without, and then there is nothing to count.
        EXPECT_TRUE(outcome.failures_counted > 0 ||
                    (same && outcome.failed_in_libraries == outcome.allocations_failed))
            << "nobody counted it";
        EXPECT_TRUE(same || told_somebody(outcome, expected)) << "a silent difference";
        ++(same ? tally.unnoticed : tally.told);
        ++tally.tried;
      }
      expect_no_leak(live, {which, n, in_a_row});
      ASSERT_FALSE(MemoryReserve::is_out());
      if (HasFailure()) return;
    }
    std::cout << GetParam().name << ": of " << expected.allocations << " allocations "
              << tally.tried << " were failed; " << tally.unnoticed << " unnoticed by peers, "
              << tally.told << " told to one\n";
  }
};

TEST_P(AllocFailure, OneFails) { sweep_over(AllocFaults::Which::kAll, 1, kMostTries); }

// The one that fails, and its next attempts.
TEST_P(AllocFailure, SeveralInARowFail) { sweep_over(AllocFaults::Which::kAll, 8, kMostTries); }

// Those of wslay and OpenSSL, which no handler catches: as if the reserve were not enough.
TEST_P(AllocFailure, ThoseOfCLibrariesFail) {
  sweep_over(AllocFaults::Which::kDirect, 1, kMostTries);
}
TEST_P(AllocFailure, ManyOfCLibrariesFail) {
  sweep_over(AllocFaults::Which::kDirect, 200, kMostTries);
}

// --- what peers are told where a C library has no memory -----------------------------------------

constexpr AllocFaults::Plan kNoneForLibraries{AllocFaults::Which::kDirect, 1, 1'000'000};

TEST(LibraryWithoutMemory, AMessageWithoutADecoderEndsWith1011) {
  FaultWorld world({});
  const FaultWorld::Peer peer = world.open_websocket(0);
  AllocFaults::arm(kNoneForLibraries);
  world.send_text(peer, R"({"id":1,"connect":{}})");
  EXPECT_NE(world.received(peer).find("\x03\xf3the server is short of memory"), std::string::npos);
  AllocFaults::arm({});
  const WorldOutcome outcome = world.finish();
  EXPECT_EQ(outcome.disconnects, (std::map<std::uint16_t, std::uint64_t>{{1011, 1}}));
  EXPECT_EQ(outcome.failures_counted, 1U);
}

TEST(LibraryWithoutMemory, AHandshakeWithoutSha1Gets503) {
  FaultWorld world({});
  AllocFaults::arm(kNoneForLibraries);
  const FaultWorld::Peer peer = world.open_websocket(0);
  EXPECT_TRUE(world.received(peer).starts_with("HTTP/1.1 503 Service Unavailable\r\n"))
      << world.received(peer);
  AllocFaults::arm({});
  const WorldOutcome outcome = world.finish();
  EXPECT_EQ(outcome.rejected[static_cast<std::size_t>(RejectReason::kHandshake)], 1U);
  EXPECT_EQ(outcome.failures_counted, 1U);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, AllocFailure,
                         testing::ValuesIn(scenarios().begin(), scenarios().end()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace millrace

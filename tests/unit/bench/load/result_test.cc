#include "bench/load/result.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

class Verdict : public testing::Test {
 protected:
  Verdict() { options_.connections = 10; }

  PhaseResult& phase(const char* text) {
    PhaseResult& phase = run_.phases.emplace_back();
    phase.phase = parse_phases(std::string("open,") + text)->back();
    phase.up = 10;
    return phase;
  }
  PhaseResult& open() {
    PhaseResult& phase = run_.phases.emplace_back();
    phase.up = 10;
    return phase;
  }
  std::size_t failures() { return judge(options_, run_).size(); }

  Options options_;
  RunResult run_;
};

TEST_F(Verdict, AllUpIsFine) {
  open();
  EXPECT_EQ(failures(), 0U);
}

TEST_F(Verdict, OneThatIsNotUpIsAFailure) {
  open().up = 9;
  EXPECT_EQ(judge(options_, run_).front(), "open: 9 of 10 connections are up");
}

TEST_F(Verdict, RefusedOnesAreAFailureUnlessAllowed) {
  PhaseResult& phase = open();
  phase.up = 7;
  phase.report.refused = 3;
  EXPECT_EQ(failures(), 2U);
  options_.allowed.refused = true;
  EXPECT_EQ(failures(), 0U);
  phase.report.refused = 2;
  EXPECT_EQ(failures(), 1U);
}

TEST_F(Verdict, ErrorsClosesAndHolesEachHaveTheirWord) {
  PhaseResult& result = phase("hold=1s");
  result.report.publish_errors["HTTP status 500"] = 1;
  result.report.unsent = 1;
  EXPECT_EQ(failures(), 2U);
  options_.allowed.errors = true;
  EXPECT_EQ(failures(), 0U);
  result.report.closes[3008] = 2;
  result.report.unsubscribes = 1;
  EXPECT_EQ(failures(), 2U);
  options_.allowed.closes = true;
  EXPECT_EQ(failures(), 0U);
  result.report.sequences = {5, 1, 1, 1};
  result.report.misdelivered = 1;
  EXPECT_EQ(failures(), 4U);
  options_.allowed.holes = true;
  EXPECT_EQ(failures(), 0U);
}

TEST_F(Verdict, WhoComesBackMayHaveFailed) {
  options_.reconnect = true;
  PhaseResult& result = phase("cut");
  result.report.connect_errors["connect: Connection refused"] = 5;
  result.report.refused = 5;
  result.report.closes[1006] = 1;
  EXPECT_EQ(failures(), 0U);
  result.up = 9;
  EXPECT_EQ(failures(), 1U);
}

TEST_F(Verdict, ADrainIsGoodbyeToAll) {
  PhaseResult& result = phase("drain");
  result.up = 0;
  result.report.drain_closes[3001] = 10;
  EXPECT_EQ(failures(), 0U);
  result.report.drain_closes[1006] = 1;
  EXPECT_EQ(failures(), 1U);
  result.up = 1;
  EXPECT_EQ(failures(), 2U);
}

TEST_F(Verdict, WhatDidNotComeOrWasCutShort) {
  phase("load=1s");
  EXPECT_EQ(failures(), 1U);
  run_.phases.back().report.published = 1;
  EXPECT_EQ(failures(), 0U);
  phase("broadcast").complete = false;
  phase("expect=3").complete = false;
  EXPECT_EQ(failures(), 2U);
  phase("hold=1s").interrupted = true;
  EXPECT_EQ(failures(), 3U);
}

TEST(Usage, IsWhatWasUsedBetweenTwoSamples) {
  Sample from;
  Sample to;
  from.at = Instant{1'000'000'000};
  to.at = from.at + seconds(2);
  from.server = {.pid = 5, .cpu_seconds = 10, .threads = {{5, 4.0}, {6, 6.0}}};
  to.server = {.pid = 5, .cpu_seconds = 13, .threads = {{5, 4.5}, {6, 7.9}, {7, 0.6}}};
  to.machine.cores = 4;
  to.machine.busy_seconds = 6;
  const Usage usage = usage_between(from, to);
  EXPECT_DOUBLE_EQ(usage.server, 1.5);
  EXPECT_NEAR(usage.server_thread, 0.95, 1e-9);
  EXPECT_DOUBLE_EQ(usage.machine, 3);
  to.server.pid = 6;  // another process: nothing is known
  EXPECT_DOUBLE_EQ(usage_between(from, to).server, 0);
}

TEST(Usage, SaysWhoWasSaturated) {
  const auto of = [](double server, double client, double machine) {
    Usage usage;
    usage.server_thread = server;
    usage.self_thread = client;
    usage.machine = machine;
    usage.cores = 2;
    return std::string(saturated_name(saturated(usage)));
  };
  EXPECT_EQ(of(0.5, 0.5, 1.0), "neither");
  EXPECT_EQ(of(0.95, 0.5, 1.5), "server");
  EXPECT_EQ(of(0.5, 0.95, 1.5), "client");
  EXPECT_EQ(of(0.95, 0.95, 2.0), "both");
  EXPECT_EQ(of(0.5, 0.5, 1.95), "machine");
}

TEST(Grouped, ByThree) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

}  // namespace
}  // namespace millrace::load

// The rules on facts made by hand; tests/unit/net/server/limit_check_test.cc judges whole machines.
#include "net/machine/limit_rules.h"

#include <gtest/gtest.h>

#include "tests/support/fake_machine.h"

namespace millrace {
namespace {

LimitPlan plan_of(std::uint64_t asked, std::uint64_t capacity = 500'000) {
  LimitPlan plan;
  plan.asked = asked;
  plan.descriptors = 300'000;
  plan.socket_capacity = capacity;
  plan.descriptors_for = [](std::uint64_t connections) { return connections / 2; };
  plan.own_descriptors = 100;
  return plan;
}

MachineFacts facts_of(const FakeMachine::Files& files = {}) {
  const FakeMachine machine(files);
  return read_machine_facts(machine.root(), 4'096);
}

TEST(LimitRules, TheSmallestBoundDecides) {
  const LimitReport report = judge_limits(facts_of(), plan_of(0));
  EXPECT_EQ(report.cap, 500'000U);
  EXPECT_EQ(report.decided_by, "RLIMIT_NOFILE");
  EXPECT_TRUE(report.fits());
  EXPECT_EQ(report.deciding().holds, 500'000U);

  const LimitReport files =
      judge_limits(facts_of({{"proc/sys/fs/file-max", "501099"}}), plan_of(0));
  EXPECT_EQ(files.cap, 499'999U);
  EXPECT_EQ(files.decided_by, "fs.file-max");
}

TEST(LimitRules, AnAskedForCapIsTakenUpToTheSmallestBound) {
  for (const std::uint64_t asked : {499'999U, 500'000U}) {
    const LimitReport report = judge_limits(facts_of(), plan_of(asked));
    EXPECT_EQ(report.cap, asked);
    EXPECT_EQ(report.decided_by, kConfiguredCap);
    EXPECT_TRUE(report.fits());
  }
  const LimitReport report = judge_limits(facts_of(), plan_of(500'001));
  EXPECT_EQ(report.cap, 500'000U);
  EXPECT_EQ(report.decided_by, "RLIMIT_NOFILE");
  EXPECT_FALSE(report.fits());
  EXPECT_EQ(report.deciding().verdict, Verdict::kTooLow);
}

TEST(LimitRules, WhatForbidsTheStartDecidesBeforeWhatBounds) {
  const LimitReport report =
      judge_limits(facts_of({{"proc/sys/kernel/io_uring_disabled", "2"}}), plan_of(10));
  EXPECT_EQ(report.cap, 0U);
  EXPECT_FALSE(report.fits());
  EXPECT_EQ(report.decided_by, "kernel.io_uring_disabled");
}

TEST(LimitRules, WhatWorksIsNotForbiddenByWhatWasRead) {
  LimitPlan plan = plan_of(10);
  plan.probed = true;
  const MachineFacts odd = facts_of(
      {{"proc/sys/kernel/io_uring_disabled", "2"}, {"proc/sys/kernel/osrelease", "5.15.0-custom"}});
  EXPECT_TRUE(judge_limits(odd, plan).fits());
  plan.kernel_error = "io_uring is forbidden here\nand something else";
  const LimitReport report = judge_limits(facts_of(), plan);
  EXPECT_EQ(report.decided_by, "kernel");
  EXPECT_EQ(report.deciding().fix, "io_uring is forbidden here;and something else");
}

TEST(LimitRules, WhereNothingIsKnownNothingFits) {
  LimitPlan plan = plan_of(0);
  plan.descriptors = 0;
  const LimitReport report = judge_limits(MachineFacts(), plan);
  EXPECT_EQ(report.cap, 0U);
  EXPECT_FALSE(report.fits());
  EXPECT_EQ(report.decided_by, kConfiguredCap);
  plan.asked = 5;
  EXPECT_EQ(judge_limits(MachineFacts(), plan).cap, 5U);  // nothing known speaks against it
}

TEST(LimitRules, EveryRowIsNamedOnceAndSaysWhatItIsAbout) {
  const LimitReport report = judge_limits(facts_of(), plan_of(1'000));
  std::vector<std::string> names;
  for (const LimitRow& row : report.rows) {
    EXPECT_EQ(std::count(names.begin(), names.end(), row.name), 0) << row.name;
    names.push_back(row.name);
    EXPECT_FALSE(row.found.empty()) << row.name;
    EXPECT_FALSE(row.needed.empty()) << row.name;
    EXPECT_FALSE(row.formula.empty()) << row.name;
    EXPECT_TRUE(row.consequence.ends_with('.')) << row.name;
    EXPECT_EQ(row.verdict, Verdict::kOk) << row.name;
  }
  EXPECT_EQ(names.size(), 29U);
  EXPECT_EQ(report.count(Verdict::kOk), 29U);
}

TEST(LimitRules, OddNumbersMakeNoOddCaps) {
  for (const char* number : {"0", "1", "18446744073709551615", "9223372036854775807", "max"}) {
    FakeMachine::Files files;
    for (const char* path :
         {"proc/sys/fs/file-max", "proc/sys/fs/nr_open", "proc/sys/net/netfilter/nf_conntrack_max",
          "proc/sys/net/netfilter/nf_conntrack_count", "proc/sys/net/core/somaxconn",
          "proc/sys/vm/max_map_count", "proc/sys/net/netfilter/nf_conntrack_buckets"}) {
      files[path] = number;
    }
    const std::string n = number;
    files["proc/sys/fs/file-nr"] = n + " 0 " + n;
    files["proc/sys/net/ipv4/tcp_mem"] = n + " " + n + " " + n;
    files["proc/sys/net/ipv4/ip_local_port_range"] = n + " " + n;
    files["proc/meminfo"] = "MemTotal: " + n + " kB\nMemAvailable: " + n + " kB\n";
    for (const std::uint64_t asked : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
      const LimitReport report = judge_limits(facts_of(files), plan_of(asked));
      EXPECT_LE(report.cap, 500'000U) << number;
      EXPECT_EQ(report.deciding().name, report.decided_by);
    }
  }
}

TEST(LimitRules, TellsHowToHoldTwiceAsMany) {
  const LimitReport report = judge_limits(facts_of(), plan_of(0, 200'000));
  EXPECT_EQ(report.deciding().verdict, Verdict::kOk);
  EXPECT_EQ(report.deciding().fix,
            "for twice as many: ulimit -n 200000 (systemd: LimitNOFILE=200000), or more shards: "
            "--shards");
}

}  // namespace
}  // namespace millrace

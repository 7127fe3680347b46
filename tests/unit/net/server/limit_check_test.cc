// What a configuration asks of a machine. Whole machines, with the exact cap and text, are in the
// other limit_check tests beside this one.
#include "net/server/limit_check.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "net/server/socket_plan.h"
#include "tests/support/limit_fixture.h"

namespace millrace {
namespace {

TEST(LimitPlan, FollowsTheConfiguration) {
  const FakeMachine machine;
  const MachineFacts facts = read_machine_facts(machine.root(), 4'096);
  Config config = config_of({.connections = 5'000, .shards = 4});
  config.limits.recv_buffers = 512;
  config.limits.recv_buffer_size = 8'192;
  config.limits.kernel_send_buffer = 65'536;
  const LimitPlan plan = limit_plan(config, 4, 20'000, std::nullopt, facts);
  EXPECT_EQ(plan.asked, 5'000U);
  EXPECT_EQ(plan.shards, 4U);
  EXPECT_EQ(plan.socket_capacity, socket_capacity(config, 4, 20'000, true));
  EXPECT_EQ(plan.descriptors_for(5'000), descriptors_for(config, 4, 5'000, true));
  EXPECT_EQ(plan.fixed_bytes, 4U * 512 * 8'192);
  EXPECT_EQ(plan.send_buffer_bytes, 65'536U);
  EXPECT_EQ(plan.nats_links, 0U);
  EXPECT_EQ(plan.threads, 6U);  // the first one, four shards, the admin port's
  EXPECT_FALSE(plan.probed);
  EXPECT_FALSE(plan.rings_count_as_locked);

  const Config nats = config_of({.shards = 4, .nats = true});
  const LimitPlan linked = limit_plan(nats, 4, 20'000, std::nullopt, facts);
  EXPECT_EQ(linked.nats_links, 4U);
  EXPECT_GT(linked.threads, 6U + 4U);
}

TEST(LimitPlan, TakesWhatWasTriedForGranted) {
  const FakeMachine machine;
  const MachineFacts facts = read_machine_facts(machine.root(), 4'096);
  const Config config = config_of({});
  const KernelTrial trial{.direct = false, .rings_are_locked = true, .missing = "no such thing"};
  const LimitPlan plan = limit_plan(config, 2, 20'000, trial, facts);
  EXPECT_FALSE(plan.direct);
  EXPECT_TRUE(plan.probed);
  EXPECT_EQ(plan.rings_count_as_locked, true);
  EXPECT_EQ(plan.kernel_error, "no such thing");
}

// Measured on Linux 6.18: 1,380 KiB with one shard, 2,690 with two, 5,320 with four; 1,876 with one
// of 32,768 buffers. Never less, and little more.
TEST(LimitPlan, RingsTakeWhatWasMeasured) {
  Config config = config_of({});
  constexpr std::uint64_t kKib = 1'024;
  for (const auto& [shards, kib] :
       {std::pair{1, 1'380}, std::pair{2, 2'690}, std::pair{4, 5'320}}) {
    EXPECT_GE(locked_bytes(config, shards), kib * kKib) << shards;
    EXPECT_LE(locked_bytes(config, shards), (kib + 100) * kKib) << shards;
  }
  config.limits.recv_buffers = 32'768;
  EXPECT_GE(locked_bytes(config, 1), 1'876 * kKib);
  EXPECT_LE(locked_bytes(config, 1), 1'976 * kKib);
}

// --- What was tried decides ----------------------------------------------------------------------

LimitReport judged(const FakeMachine::Files& files, const KernelTrial& trial) {
  const FakeMachine machine(files);
  const MachineFacts facts = read_machine_facts(machine.root(), 4'096);
  const Config config = config_of({.connections = 1'000});
  return judge_limits(facts, limit_plan(config, 2, descriptors_in_force(facts), trial, facts));
}

TEST(LimitCheck, MemlockForbidsWhereRingsCount) {
  const std::string exact = std::to_string(locked_bytes(config_of({}), 2));
  const std::string below = std::to_string(locked_bytes(config_of({}), 2) - 1);
  const auto files = [](const std::string& memlock, const std::string& capabilities) {
    return FakeMachine::Files{{"proc/self/limits", FakeMachine::limits("20000", "20000", memlock)},
                              {"proc/self/status", FakeMachine::capabilities(capabilities)}};
  };
  const KernelTrial counts{.direct = true, .rings_are_locked = true, .missing = {}};
  const KernelTrial does_not{.direct = true, .rings_are_locked = false, .missing = {}};
  EXPECT_TRUE(judged(files(exact, "0"), counts).fits());
  EXPECT_FALSE(judged(files(below, "0"), counts).fits());
  EXPECT_EQ(judged(files(below, "0"), counts).decided_by, "RLIMIT_MEMLOCK");
  EXPECT_TRUE(judged(files(below, "0"), does_not).fits());
  EXPECT_TRUE(judged(files(below, "4000"), counts).fits());  // CAP_IPC_LOCK
  EXPECT_TRUE(judged(files("unlimited", "0"), counts).fits());
}

TEST(LimitCheck, WhatTheKernelLacksForbids) {
  const LimitReport report =
      judged({}, {.direct = true, .rings_are_locked = false, .missing = "io_uring is forbidden"});
  EXPECT_FALSE(report.fits());
  EXPECT_EQ(report.decided_by, "kernel");
  EXPECT_EQ(report.deciding().fix, "io_uring is forbidden");
}

// --- The command ---------------------------------------------------------------------------------

TEST(RunCheck, AnEmptyTreeIsUnknownAndNoCrash) {
  const CheckResult result = run_check(config_of({}), {CheckOutput::kTable, "/nonexistent/tree"});
  EXPECT_EQ(result.exit_code, 71);
  EXPECT_NE(result.text.find("unknown   RLIMIT_NOFILE"), std::string::npos) << result.text;
}

TEST(RunCheck, JsonSaysTheSameAsTheTable) {
  const FakeMachine machine(FakeMachine::Files{{"proc/sys/fs/file-max", "50000\n"}});
  const CheckResult result =
      run_check(config_of({.connections = 60'000}), {CheckOutput::kJson, machine.root()});
  EXPECT_EQ(result.exit_code, 71);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(result.text).get(root), simdjson::SUCCESS);
  EXPECT_EQ(std::uint64_t(root["cap"]), 48'924U);
  EXPECT_EQ(std::string_view(root["decided_by"]), "fs.file-max");
}

TEST(RunCheck, SettingsAreSizedForTheConfiguredCapAndForThisMachine) {
  const FakeMachine machine(FakeMachine::Files{{"proc/sys/net/core/somaxconn", "1024\n"},
                                               {"proc/sys/fs/file-max", "50000\n"}});
  const CheckResult asked =
      run_check(config_of({.connections = 60'000}), {CheckOutput::kSysctl, machine.root()});
  EXPECT_EQ(asked.exit_code, 0);  // they are what mends it
  EXPECT_NE(asked.text.find("\nnet.core.somaxconn = 6000\n"), std::string::npos) << asked.text;
  EXPECT_NE(asked.text.find("\nfs.file-max = 1048576\n"), std::string::npos);
  const CheckResult automatic = run_check(config_of({}), {CheckOutput::kSysctl, machine.root()});
  EXPECT_NE(automatic.text.find("for 48,924 connections"), std::string::npos) << automatic.text;
}

TEST(RunCheck, OfThisMachineHoldsSome) {
  Config config = config_of({.connections = 10, .shards = 1});
  const CheckResult result = run_check(config, {});
  EXPECT_EQ(result.exit_code, 0) << result.text;
  EXPECT_TRUE(result.text.starts_with("cap 10: it fits, max_connections decides\n"));
}

}  // namespace
}  // namespace millrace

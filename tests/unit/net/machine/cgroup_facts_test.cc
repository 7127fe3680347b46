#include "net/machine/cgroup_facts.h"

#include <gtest/gtest.h>

#include "tests/support/fake_machine.h"

namespace millrace {
namespace {

constexpr const char* kGroups = "proc/self/cgroup";

MachineFacts facts_of(const FakeMachine::Files& files) {
  const FakeMachine machine(files);
  MachineFacts facts;
  read_cgroup_facts(machine.root(), facts);
  return facts;
}

TEST(CgroupFacts, NoLimitIsUnlimited) {
  const MachineFacts facts = facts_of({});
  EXPECT_EQ(facts.cgroup_memory.limit.value(), kUnlimited);
  EXPECT_EQ(facts.cgroup_pids.limit.value(), kUnlimited);
}

TEST(CgroupFacts, WhatCanBeReclaimedAtOnceIsNotUsed) {
  const MachineFacts facts =
      facts_of({{"sys/fs/cgroup/system.slice/millrace.service/memory.max", "100000000"}});
  EXPECT_EQ(facts.cgroup_memory.limit.value(), 100'000'000U);
  EXPECT_EQ(facts.cgroup_memory.used.value(), 52'428'800U - 20'971'520U);
  EXPECT_EQ(facts.cgroup_memory.file, "/sys/fs/cgroup/system.slice/millrace.service/memory.max");
}

TEST(CgroupFacts, TheTightestOnTheWayToTheRootCounts) {
  const MachineFacts facts = facts_of({
      {"sys/fs/cgroup/system.slice/millrace.service/memory.max", "9000"},
      {"sys/fs/cgroup/system.slice/millrace.service/memory.current", "100"},
      {"sys/fs/cgroup/system.slice/millrace.service/memory.stat", std::nullopt},
      {"sys/fs/cgroup/system.slice/memory.max", "10000"},
      {"sys/fs/cgroup/system.slice/memory.current", "9500"},
      {"sys/fs/cgroup/memory.max", "max"},
      {"sys/fs/cgroup/system.slice/pids.max", "12"},
      {"sys/fs/cgroup/system.slice/pids.current", "5"},
      {"sys/fs/cgroup/system.slice/memory.high", "800"},
  });
  EXPECT_EQ(facts.cgroup_memory.limit.value(), 10'000U);
  EXPECT_EQ(facts.cgroup_memory.used.value(), 9'500U);
  EXPECT_EQ(facts.cgroup_memory.file, "/sys/fs/cgroup/system.slice/memory.max");
  EXPECT_EQ(facts.cgroup_memory_high.limit.value(), 800U);
  EXPECT_EQ(facts.cgroup_pids.limit.value(), 12U);
  EXPECT_EQ(facts.cgroup_pids.used.value(), 5U);
}

// In a container the path is the host's, but the group is mounted as the root.
TEST(CgroupFacts, FindsTheGroupOfAContainerAtTheMountedRoot) {
  for (const char* path : {"/docker/0123", "/../../docker/0123", "/"}) {
    const MachineFacts facts = facts_of({{kGroups, "0::" + std::string(path) + "\n"},
                                         {"sys/fs/cgroup/memory.max", "4096"},
                                         {"sys/fs/cgroup/memory.current", "96"}});
    EXPECT_EQ(facts.cgroup_memory.limit.value(), 4'096U) << path;
    EXPECT_EQ(facts.cgroup_memory.file, "/sys/fs/cgroup/memory.max");
  }
}

TEST(CgroupFacts, ReadsVersion1BesideAnEmptyVersion2) {
  const MachineFacts facts = facts_of({
      {kGroups, "8:pids:/jobs\n4:memory,hugetlb:/jobs/one\n1:cpu:/\n0::/\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712"},
      {"sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "70000"},
      {"sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "30000"},
      {"sys/fs/cgroup/memory/jobs/memory.stat", "inactive_file 1\ntotal_inactive_file 10000\n"},
      {"sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes", "9223372036854771712"},
      {"sys/fs/cgroup/pids/jobs/pids.max", "8"},
      {"sys/fs/cgroup/pids/jobs/pids.current", "9"},
  });
  EXPECT_EQ(facts.cgroup_memory.limit.value(), 70'000U);
  EXPECT_EQ(facts.cgroup_memory.used.value(), 20'000U);
  EXPECT_EQ(facts.cgroup_memory.file, "/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes");
  EXPECT_FALSE(facts.cgroup_memory_high.limit.known());
  EXPECT_EQ(facts.cgroup_pids.limit.value(), 8U);
}

TEST(CgroupFacts, AFileThatIsNoNumberIsUnreadable) {
  const MachineFacts facts =
      facts_of({{"sys/fs/cgroup/system.slice/millrace.service/memory.max", "lots"},
                {"sys/fs/cgroup/system.slice/millrace.service/pids.max", "\n"}});
  EXPECT_EQ(facts.cgroup_memory.limit.reading, Reading::kUnreadable);
  EXPECT_EQ(facts.cgroup_pids.limit.reading, Reading::kUnreadable);
}

TEST(CgroupFacts, ALimitThatIsReadCountsMoreThanOneThatIsNot) {
  const MachineFacts facts =
      facts_of({{"sys/fs/cgroup/system.slice/millrace.service/memory.max", "lots"},
                {"sys/fs/cgroup/system.slice/memory.max", "5000"}});
  EXPECT_EQ(facts.cgroup_memory.limit.value(), 5'000U);
}

TEST(CgroupFacts, WithoutGroupsThereIsNoLimit) {
  for (const std::optional<std::string>& text :
       {std::optional<std::string>(), std::optional<std::string>(""),
        std::optional<std::string>("nonsense\n:\n::\n"), std::optional<std::string>("0::\n")}) {
    const MachineFacts facts = facts_of({{kGroups, text}});
    EXPECT_FALSE(facts.cgroup_memory.limit.known());
    EXPECT_EQ(facts.cgroup_memory.limit.reading, Reading::kMissing);
  }
}

TEST(CgroupFacts, UnreadableGroupsAreUnreadableLimits) {
  FakeMachine machine(FakeMachine::Files{{kGroups, std::nullopt}});
  std::filesystem::create_directories(machine.path(kGroups));
  MachineFacts facts;
  read_cgroup_facts(machine.root(), facts);
  EXPECT_EQ(facts.cgroup_memory.limit.reading, Reading::kUnreadable);
  EXPECT_EQ(facts.cgroup_pids.limit.reading, Reading::kUnreadable);
}

TEST(CgroupFacts, ADeepPathEnds) {
  std::string path;
  for (int i = 0; i < 200; ++i) path += "/a";
  const MachineFacts facts =
      facts_of({{kGroups, "0::" + path + "\n"}, {"sys/fs/cgroup/memory.max", "1"}});
  EXPECT_FALSE(facts.cgroup_memory.limit.known());  // beyond kMaxGroupDepth: not reached
}

}  // namespace
}  // namespace millrace

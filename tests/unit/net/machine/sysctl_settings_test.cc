#include "net/machine/sysctl_settings.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "net/machine/limit_rules.h"
#include "tests/support/fake_machine.h"

namespace millrace {
namespace {

// "name = value" lines, as sysctl(8) takes them.
std::map<std::string, std::string> settings_in(const std::string& text) {
  std::map<std::string, std::string> settings;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t equals = line.find(" = ");
    EXPECT_NE(equals, std::string::npos) << line;
    const std::size_t start = line[0] == '-' ? 1 : 0;
    const bool is_new =
        settings.emplace(line.substr(start, equals - start), line.substr(equals + 3)).second;
    EXPECT_TRUE(is_new) << line;
  }
  return settings;
}

std::string file_of(const std::string& setting) {
  std::string path = "proc/sys/" + setting;
  const std::size_t name = path.find('.');
  for (std::size_t at = name; at != std::string::npos; at = path.find('.', at)) path[at] = '/';
  return path;
}

TEST(SysctlSettings, EachHasAReasonAUnitAFormulaAndAPlace) {
  const auto settings = sysctl_settings({.connections = 1'000'000, .send_buffer_bytes = 131'072});
  EXPECT_GE(settings.size(), 15U);
  for (const SysctlSetting& setting : settings) {
    for (const std::string_view text :
         {setting.file, setting.name, std::string_view(setting.value), setting.unit,
          setting.formula, setting.breaks, setting.see}) {
      EXPECT_FALSE(text.empty()) << setting.name;
      EXPECT_EQ(text.find('\n'), std::string_view::npos) << setting.name;
    }
  }
  for (const SysctlFile& file : sysctl_files()) {
    EXPECT_FALSE(settings_in(sysctl_file_text(file, settings, 1'000'000)).empty()) << file.name;
  }
}

TEST(SysctlSettings, CommentsFitTheirColumns) {
  std::istringstream lines(emitted_sysctl({.connections = 1'000'000}));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

// A machine that is set so has nothing to warn of.
TEST(SysctlSettings, WhoAppliesThemHasNoWarningLeft) {
  for (const std::uint64_t cap : {1'000U, 50'000U, 1'000'000U}) {
    // A machine of which every setting is as low as it gets, and connections are tracked.
    FakeMachine machine(FakeMachine::Files{{"proc/sys/net/netfilter/nf_conntrack_count", "1"}});
    const auto low = settings_in(emitted_sysctl({.connections = cap}));
    for (const auto& [name, value] : low) {
      const bool is_triple = value.find(' ') != value.rfind(' ');
      machine.write(file_of(name), is_triple                              ? "1 1 1"
                                   : value.find(' ') != std::string::npos ? "1 1"
                                                                          : "1");
    }
    const MachineFacts before = read_machine_facts(machine.root(), 4'096);
    LimitPlan plan;
    plan.asked = cap;
    plan.descriptors = recommended_descriptors(cap);
    plan.socket_capacity = plan.descriptors;
    plan.descriptors_for = [](std::uint64_t connections) { return connections; };
    plan.nats_links = 64;
    plan.send_buffer_bytes = 131'072;
    EXPECT_GT(judge_limits(before, plan).count(Verdict::kWarning), 5U);
    EXPECT_FALSE(judge_limits(before, plan).fits());

    const SysctlNeeds needs{.connections = cap, .send_buffer_bytes = 131'072, .facts = &before};
    for (const auto& [name, value] : settings_in(emitted_sysctl(needs))) {
      machine.write(file_of(name), value);
    }
    // The formula has 1 more for what is tracked now.
    machine.write("proc/sys/net/netfilter/nf_conntrack_count", "0");
    machine.write("proc/modules", "nft_ct 1 1 - Live 0x0\n");
    machine.write("proc/sys/net/netfilter/nf_conntrack_buckets", "312500");
    const LimitReport after = judge_limits(read_machine_facts(machine.root(), 4'096), plan);
    EXPECT_TRUE(after.fits()) << after.decided_by;
    for (const LimitRow& row : after.rows) EXPECT_EQ(row.verdict, Verdict::kOk) << row.name;
  }
}

TEST(SysctlSettings, WhatIsHigherAlreadyStays) {
  const FakeMachine machine(FakeMachine::Files{{"proc/sys/net/core/somaxconn", "70000"},
                                               {"proc/sys/fs/nr_open", "20000500"},
                                               {"proc/sys/net/ipv4/tcp_max_orphans", "nonsense"}});
  const MachineFacts facts = read_machine_facts(machine.root(), 4'096);
  const auto settings = settings_in(emitted_sysctl({.connections = 50'000, .facts = &facts}));
  EXPECT_EQ(settings.at("net.core.somaxconn"), "70000");
  EXPECT_EQ(settings.at("fs.nr_open"), "20000500");
  EXPECT_EQ(settings.at("net.ipv4.tcp_max_orphans"), "25000");
  // Less memory than the folder's machine has: half of it at most.
  const FakeMachine small(
      FakeMachine::Files{{"proc/meminfo", FakeMachine::memory(2'097'152, 1'048'576)}});
  const MachineFacts few = read_machine_facts(small.root(), 4'096);
  const auto of_small = settings_in(emitted_sysctl({.connections = 1'000'000, .facts = &few}));
  EXPECT_EQ(of_small.at("net.ipv4.tcp_mem"), "131072 174762 262144");
}

TEST(SysctlSettings, DescriptorsAreEnoughWhereverSocketsStand) {
  EXPECT_EQ(recommended_descriptors(1), 1'048'576U);
  EXPECT_EQ(recommended_descriptors(1'000'000), 1'125'000U);
  EXPECT_EQ(recommended_descriptors(UINT64_MAX), UINT64_MAX);
}

}  // namespace
}  // namespace millrace

#include "net/machine/machine_facts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/random.h"
#include "tests/support/fake_machine.h"

namespace millrace {
namespace {

MachineFacts facts_of(const FakeMachine::Files& files) {
  const FakeMachine machine(files);
  return read_machine_facts(machine.root(), 4'096);
}

TEST(MachineFacts, ReadsTheWholeTree) {
  const MachineFacts facts = facts_of({});
  EXPECT_EQ(facts.release, "6.18.0");
  EXPECT_EQ(facts.descriptors_soft.value(), 1'024U);
  EXPECT_EQ(facts.descriptors_hard.value(), 1'048'576U);
  EXPECT_EQ(facts.memlock.value(), 8'388'608U);
  EXPECT_EQ(facts.processes.value(), 96'365U);
  EXPECT_EQ(facts.nr_open.value(), 1'048'576U);
  EXPECT_EQ(facts.file_max.value(), 9'223'372'036'854'775'807U);
  EXPECT_EQ(facts.file_nr[0], 1'000U);
  EXPECT_EQ(facts.somaxconn.value(), 65'535U);
  EXPECT_EQ(facts.device_backlog.value(), 30'000U);
  EXPECT_EQ(facts.send_buffer_max.value(), 212'992U);
  EXPECT_EQ(facts.syn_backlog.value(), 262'144U);
  EXPECT_EQ(facts.syncookies.value(), 1U);
  EXPECT_EQ(facts.migrate_requests.value(), 1U);
  EXPECT_EQ(facts.tcp_mem[2], 3'145'728U);
  EXPECT_EQ(facts.tcp_rmem[2], 524'288U);
  EXPECT_EQ(facts.tcp_wmem[2], 4'194'304U);
  EXPECT_EQ(facts.max_orphans.value(), 1'100'000U);
  EXPECT_EQ(facts.max_time_waits.value(), 1'100'000U);
  EXPECT_EQ(facts.port_range[0], 1'024U);
  EXPECT_EQ(facts.port_range[1], 65'535U);
  EXPECT_EQ(facts.conntrack_max.value(), 262'144U);
  EXPECT_EQ(facts.conntrack_count.value(), 0U);
  EXPECT_EQ(facts.conntrack_buckets.value(), 65'536U);
  EXPECT_EQ(facts.memory_total.value(), std::uint64_t{24} << 30);
  EXPECT_EQ(facts.memory_available.value(), std::uint64_t{22} << 30);
  EXPECT_EQ(facts.max_map_count.value(), 1'048'576U);
  EXPECT_EQ(facts.huge_pages, "madvise");
  EXPECT_EQ(facts.uring_disabled.value(), 0U);
  EXPECT_TRUE(facts.cgroup_memory.limit.known());
}

TEST(MachineFacts, OfAnEmptyTreeNothingIsKnown) {
  const MachineFacts facts = read_machine_facts("/nonexistent/tree", 4'096);
  EXPECT_FALSE(facts.release);
  EXPECT_FALSE(facts.descriptors_soft.known());
  EXPECT_FALSE(facts.memory_available.known());
  EXPECT_FALSE(facts.huge_pages);
  EXPECT_FALSE(has_capability(facts, kCapIpcLock));
  EXPECT_EQ(descriptors_in_force(facts), 0U);
}

TEST(MachineFacts, TheSoftLimitIsRaisedUnlessTheKernelRefuses) {
  EXPECT_EQ(descriptors_in_force(facts_of({})), 1'048'576U);
  EXPECT_EQ(descriptors_in_force(facts_of({{"proc/sys/fs/nr_open", "1048575"}})), 1'024U);
  EXPECT_EQ(descriptors_in_force(facts_of({{"proc/sys/fs/nr_open", std::nullopt}})), 1'048'576U);
  const std::string unlimited = FakeMachine::limits("1024", "unlimited");
  EXPECT_EQ(descriptors_in_force(facts_of({{"proc/self/limits", unlimited}})), 1'024U);
}

TEST(MachineFacts, CapabilitiesAreBits) {
  const MachineFacts facts =
      facts_of({{"proc/self/status", FakeMachine::capabilities("0000000000004000")}});
  EXPECT_EQ(has_capability(facts, kCapIpcLock), true);
  EXPECT_EQ(has_capability(facts, kCapSysAdmin), false);
  for (const char* bad : {"", "xyz", "10000000000000000", "4000 "}) {
    const MachineFacts odd = facts_of({{"proc/self/status", FakeMachine::capabilities(bad)}});
    EXPECT_EQ(has_capability(odd, kCapIpcLock).has_value(), std::string(bad) == "4000 ") << bad;
  }
}

TEST(MachineFacts, OddLinesAreUnreadableOnTheirOwn) {
  const MachineFacts facts =
      facts_of({{"proc/self/limits", "Max open files            many  20000 files\n"},
                {"proc/sys/net/ipv4/ip_local_port_range", "60999 32768"},
                {"proc/meminfo", "MemTotal: lots\nMemAvailable: 18446744073709551615 kB\n"},
                {"sys/kernel/mm/transparent_hugepage/enabled", "always madvise never"},
                {"proc/sys/net/ipv4/tcp_mem", "1 2\n"},
                {"proc/sys/kernel/osrelease", std::string(500, '6')}});
  EXPECT_EQ(facts.descriptors_soft.reading, Reading::kUnreadable);
  EXPECT_EQ(facts.memlock.reading, Reading::kUnreadable);
  EXPECT_EQ(facts.port_range.reading, Reading::kUnreadable);
  EXPECT_EQ(facts.memory_total.reading, Reading::kUnreadable);
  EXPECT_EQ(facts.memory_available.value(), kUnlimited);
  EXPECT_FALSE(facts.huge_pages);
  EXPECT_EQ(facts.tcp_mem.reading, Reading::kUnreadable);
  EXPECT_FALSE(facts.release);
  EXPECT_TRUE(facts.somaxconn.known());
}

TEST(MachineFacts, ModulesThatOnlyRulesUseTellOfConntrack) {
  const MachineFacts facts =
      facts_of({{"proc/modules",
                 "nf_conntrack 172032 3 nft_ct,xt_state, Live 0x0\nnft_ct 24576 2 - Live 0x0\n"
                 "xt_conntrack 16384 0 - Live 0x0\nnft_masq\nxt_state 16384 one\n"}});
  EXPECT_EQ(facts.conntrack_users, std::vector<std::string>{"nft_ct"});
}

// Whatever stands in the files, reading ends and every fact says whether it was read.
TEST(MachineFacts, SurvivesRandomBytesInEveryFile) {
  const FakeMachine machine;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(machine.root())) {
    if (entry.is_regular_file())
      paths.push_back(entry.path().string().substr(machine.root().size() + 1));
  }
  ASSERT_GT(paths.size(), 25U);
  std::uint64_t seed = 1;
  const auto next = [&seed] { return seed = seed * 6364136223846793005U + 1442695040888963407U; };
  for (int round = 0; round < 40; ++round) {
    for (const std::string& path : paths) {
      std::string text(next() % 200, ' ');
      constexpr std::string_view kLetters = "0123456789 \n\tmax:-/[]\xff,kB";
      for (char& c : text) c = kLetters[(next() >> 33) % kLetters.size()];
      machine.write(path, text);
    }
    const MachineFacts facts = read_machine_facts(machine.root(), 4'096);
    EXPECT_LE(facts.conntrack_users.size(), 200U);
  }
}

TEST(MachineFacts, OfThisMachineAreWhatItsCallsSay) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const MachineFacts facts = read_machine_facts();
  EXPECT_EQ(facts.descriptors_soft.value(), limit.rlim_cur);
  EXPECT_EQ(facts.descriptors_hard.value(), limit.rlim_max);
  EXPECT_GT(facts.memory_total.value(), facts.memory_available.value());
  EXPECT_TRUE(facts.somaxconn.known());
  EXPECT_TRUE(read_file_numbers().known());
  EXPECT_GT(read_file_numbers()[2], 0U);
}

TEST(MachineFacts, CountsOpenDescriptors) {
  const auto before = open_descriptors();
  ASSERT_TRUE(before);
  EXPECT_LT(*before, kCountedDescriptors);
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(open_descriptors(), *before + 1);
  close(fd);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace millrace

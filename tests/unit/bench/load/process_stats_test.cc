#include "bench/load/process_stats.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace millrace::load {
namespace {

class ProcTest : public testing::Test {
 protected:
  ProcTest() : root_(testing::TempDir() + "load-proc-" + std::to_string(getpid())) {}
  ~ProcTest() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + "/" + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  const std::string root_;
};

TEST_F(ProcTest, ValuesAreThoseOfTheirKeyAtTheBeginOfALine) {
  const char* const text = "VmRSSX: 1 kB\nVmRSS:\t  22 kB\nRss:    33 kB\n";
  EXPECT_EQ(value_of(text, "Rss:"), 33U);
  EXPECT_EQ(value_of("VmRSS:      22 kB", "VmRSS:"), 22U);
  EXPECT_EQ(value_of(text, "Nothing:"), 0U);
}

TEST_F(ProcTest, AProcessWithAStrangeName) {
  const auto stat = [](const char* ticks) {
    return std::string("7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 ") + ticks + " 0 0 20 0 3 0 1";
  };
  put("7/stat", stat("150 50"));
  put("7/status", "Name:\tx\nVmRSS:  \t 1000 kB\nRssAnon:  400 kB\n");
  put("7/task/7/stat", stat("100 0"));
  put("7/task/9/stat", stat("50 50"));
  put("7/smaps_rollup", "x-y ---p\nRss:  2000 kB\nAnonymous: 900 kB\n");
  const double second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const ProcessSample exact = Proc(root_).process(7, true);
  EXPECT_EQ(exact.pid, 7U);
  EXPECT_DOUBLE_EQ(exact.cpu_seconds, 200 / second);
  EXPECT_EQ(exact.threads.size(), 2U);
  EXPECT_DOUBLE_EQ(exact.threads.at(7), 100 / second);
  EXPECT_EQ(exact.resident_bytes, 2'000U * 1'024);
  EXPECT_EQ(exact.anonymous_bytes, 900U * 1'024);
  EXPECT_EQ(Proc(root_).process(7, false).resident_bytes, 1'000U * 1'024);
  EXPECT_EQ(Proc(root_).process(8, true).pid, 0U);
  EXPECT_EQ(Proc(root_).process(0, true).pid, 0U);
}

TEST_F(ProcTest, TheMachine) {
  put("meminfo", "MemAvailable: 5 kB\nSlab:  10 kB\nSReclaimable: 4 kB\nSUnreclaim:  6 kB\n");
  put("net/sockstat", "sockets: used 9\nTCP: inuse 1 orphan 0 tw 2 alloc 3 mem 4\nUDP: mem 99\n");
  put("stat", "cpu  100 0 100 9999 1 0 0 0 0 0\ncpu0 1 2\ncpu1 3 4\nintr 5\n");
  const MachineSample sample = Proc(root_).machine();
  EXPECT_EQ(sample.slab_bytes, 10'240U);
  EXPECT_EQ(sample.unreclaimable_bytes, 6'144U);
  EXPECT_EQ(sample.tcp_bytes, 4U * static_cast<std::uint64_t>(getpagesize()));
  EXPECT_EQ(sample.tcp_sockets, 3U);
  EXPECT_EQ(sample.time_wait, 2U);
  EXPECT_EQ(sample.cores, 2U);
  EXPECT_DOUBLE_EQ(sample.busy_seconds, 200 / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

TEST_F(ProcTest, AnEmptyFolderGivesNothing) {
  EXPECT_EQ(Proc(root_).machine().cores, 0U);
  EXPECT_EQ(Proc(root_).listener(80), 0U);
}

TEST_F(ProcTest, TheRealOneKnowsWhoListens) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(Proc().listener(ntohs(address.sin_port)), static_cast<std::uint32_t>(getpid()));
  ::close(fd);
  EXPECT_EQ(Proc().listener(ntohs(address.sin_port)), 0U);
  const ProcessSample self = Proc().process(static_cast<std::uint32_t>(getpid()), true);
  EXPECT_GT(self.resident_bytes, 1'000'000U);
  EXPECT_GE(self.threads.size(), 1U);
}

}  // namespace
}  // namespace millrace::load

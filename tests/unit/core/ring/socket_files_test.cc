// Descriptors of the process; the ring's own table is the kernel's, and in uring_test.cc.
#include "core/ring/socket_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "tests/support/seccomp.h"

namespace millrace {
namespace {

int open_socket() {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_GE(fd, 0);
  return fd;
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

class SocketFilesTest : public ::testing::Test {
 protected:
  void open(std::uint32_t files) { ASSERT_TRUE(files_.open(ring_, files, false).ok()); }

  io_uring ring_{};  // not needed for these
  SocketFiles files_;
};

TEST_F(SocketFilesTest, TakesItsLimitAndClosesWhatIsBeyond) {
  open(3);
  const int first = open_socket();
  const int second = open_socket();
  const int third = open_socket();
  const int fourth = open_socket();
  EXPECT_TRUE(files_.take(first));
  EXPECT_TRUE(files_.take(second));  // L - 1
  EXPECT_TRUE(files_.take(third));   // L
  EXPECT_FALSE(files_.take(fourth));
  EXPECT_FALSE(is_open(fourth));

  io_uring_sqe entry{};
  files_.prepare_close(entry, FileSlot{static_cast<std::uint32_t>(second)});
  EXPECT_EQ(entry.opcode, IORING_OP_CLOSE);
  EXPECT_EQ(entry.fd, second);
  EXPECT_EQ(entry.file_index, 0U);
  ::close(second);
  const int fifth = open_socket();
  EXPECT_TRUE(files_.take(fifth));
  files_.close_all(ring_);
  for (const int fd : {first, third, fifth}) EXPECT_FALSE(is_open(fd)) << fd;
}

TEST_F(SocketFilesTest, NeverClosesANumberTwice) {
  open(2);
  const int ours = open_socket();
  ASSERT_TRUE(files_.take(ours));
  io_uring_sqe entry{};
  files_.prepare_close(entry, FileSlot{static_cast<std::uint32_t>(ours)});
  files_.prepare_close(entry, FileSlot{static_cast<std::uint32_t>(ours)});
  files_.prepare_close(entry, FileSlot{1'000'000});
  // The kernel would close it now, and the number may be another's at once.
  files_.close_all(ring_);
  EXPECT_TRUE(is_open(ours));
  ::close(ours);
}

TEST_F(SocketFilesTest, EntriesNameDescriptorsOfTheProcess) {
  open(1);
  io_uring_sqe entry{};
  files_.prepare_use(entry);
  EXPECT_EQ(entry.flags, 0);
  files_.prepare_accept(entry);
  EXPECT_EQ(entry.file_index, 0U);
  EXPECT_EQ(entry.accept_flags, static_cast<std::uint32_t>(SOCK_CLOEXEC));
}

TEST_F(SocketFilesTest, NeedsAsManyDescriptorsAsTheProcessMayHave) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur >= UINT32_MAX) GTEST_SKIP() << "RLIMIT_NOFILE is unlimited";
  const auto files = static_cast<std::uint32_t>(limit.rlim_cur);
  EXPECT_TRUE(SocketFiles().open(ring_, files - 1, false).ok());
  EXPECT_TRUE(SocketFiles().open(ring_, files, false).ok());
  const Result<void> refused = SocketFiles().open(ring_, files + 1, false);
  ASSERT_FALSE(refused.ok());
  const std::string& text = refused.error().text;
  EXPECT_NE(text.find("ulimit -n"), std::string::npos) << text;
  EXPECT_NE(text.find("descriptors of the process"), std::string::npos) << text;
  EXPECT_EQ(text.find("--shards"), std::string::npos) << "no fix: " << text;
}

TEST_F(SocketFilesTest, ALimitThatASandboxHidesRefusesNothing) {
  std::thread([this] {
    refuse_on_this_thread({.number = SYS_prlimit64, .error = EPERM});
    EXPECT_TRUE(SocketFiles().open(ring_, 1'000, false).ok());
  }).join();
}

}  // namespace
}  // namespace millrace

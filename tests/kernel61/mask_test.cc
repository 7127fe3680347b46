// Makes calls that came after Linux 6.1, which must fail as they do on 6.1: under as_linux_6_1 on
// any kernel, and on a real 6.1 without it (./dev kernel61), which shows that the mask is true to
// life. The numbers stand here as such: Debian 12's headers don't have their names.
#include <gtest/gtest.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "core/ring/kernel_features.h"
#include "core/ring/uring.h"

namespace millrace {
namespace {

// The errno of a raw call; 0 is success.
template <typename... Arguments>
int error_of(long number, Arguments... arguments) {
  return syscall(number, arguments...) < 0 ? errno : 0;
}

int error_of_setup(std::uint32_t flags) {
  io_uring_params params{};
  params.flags = flags;
  const long fd = syscall(SYS_io_uring_setup, 4, &params);
  if (fd < 0) return errno;
  close(static_cast<int>(fd));
  return 0;
}

int error_of_option(int family, int level, int name) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_GE(fd, 0);
  const int one = 1;
  const int error = setsockopt(fd, level, name, &one, sizeof(one)) == 0 ? 0 : errno;
  int value = 0;
  socklen_t length = sizeof(value);
  const int reading = getsockopt(fd, level, name, &value, &length) == 0 ? 0 : errno;
  close(fd);
  return error != 0 ? error : reading;
}

class Mask : public ::testing::Test {
 protected:
  Mask() { CHECK_EQ(io_uring_queue_init(4, &ring_, 0), 0); }
  ~Mask() override { io_uring_queue_exit(&ring_); }

  // Of a registration of one page as a ring of four buffers.
  int error_of_buffers(std::uint16_t flags) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* memory = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = 4;
    std::memcpy(reinterpret_cast<char*>(&registration) + 14, &flags, sizeof(flags));
    const int error = -io_uring_register_buf_ring(&ring_, &registration, 0);
    if (error == 0) io_uring_unregister_buf_ring(&ring_, 0);
    munmap(memory, page);
    return error;
  }

  int error_of_cancel(std::uint32_t flags) {
    io_uring_sync_cancel_reg all{};
    all.flags = flags;
    all.timeout.tv_nsec = 1;
    return -io_uring_register_sync_cancel(&ring_, &all);
  }

  io_uring ring_{};
};

TEST_F(Mask, SystemCallsAfter450AreNotThere) {
  for (const long number : {451, 454, 455, 462, 467, 469, 1'000}) {
    EXPECT_EQ(error_of(number, 0, 0, 0, 0, 0, 0), ENOSYS) << number;
  }
  std::uint32_t word = 0;
  EXPECT_EQ(error_of(454, &word, 1UL, 1, 2U), ENOSYS);  // futex_wake, 6.7
  // The last of 6.1, with arguments that it refuses.
  EXPECT_EQ(error_of(450, 0, 0, 0, 1UL), EINVAL);
}

TEST_F(Mask, SetupFlagsAfterDeferTaskrunAreUnknown) {
  for (unsigned bit = 14; bit < 32; ++bit) EXPECT_EQ(error_of_setup(1U << bit), EINVAL) << bit;
  EXPECT_EQ(error_of_setup(uring_setup_flags() | 1U << 16), EINVAL);  // NO_SQARRAY, 6.6
  EXPECT_EQ(error_of_setup(IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL), 0);
}

TEST_F(Mask, RegistrationsAfterFileAllocRangeAreUnknown) {
  std::array<std::uint64_t, 16> argument{};
  for (unsigned opcode = 26; opcode < 40; ++opcode) {
    EXPECT_EQ(error_of(SYS_io_uring_register, ring_.ring_fd, opcode, argument.data(), 1), EINVAL)
        << opcode;
  }
  // IORING_REGISTER_USE_REGISTERED_RING, 6.3
  EXPECT_EQ(error_of(SYS_io_uring_register, 0, 8U | 1U << 31, argument.data(), 0), EINVAL);
  EXPECT_EQ(io_uring_register_files_sparse(&ring_, 8), 0);
  EXPECT_EQ(io_uring_register_file_alloc_range(&ring_, 0, 8), 0);  // 25
}

TEST_F(Mask, EnterFlagsAfterRegisteredRingAreUnknown) {
  for (unsigned bit = 5; bit < 32; ++bit) {
    EXPECT_EQ(error_of(SYS_io_uring_enter, ring_.ring_fd, 0, 0, 1U << bit, nullptr, 0), EINVAL)
        << bit;
  }
  EXPECT_EQ(error_of(SYS_io_uring_enter, ring_.ring_fd, 0, 0, IORING_ENTER_GETEVENTS, nullptr, 0),
            0);
}

TEST_F(Mask, BufferRingsTakeNoFlags) {
  EXPECT_EQ(error_of_buffers(1), EINVAL);  // IOU_PBUF_RING_MMAP, 6.4
  EXPECT_EQ(error_of_buffers(2), EINVAL);  // IOU_PBUF_RING_INC, 6.12
  EXPECT_EQ(error_of_buffers(0), 0);
}

TEST_F(Mask, CancelFlagsOfLaterKernelsAreUnknown) {
  EXPECT_EQ(error_of_cancel(IORING_ASYNC_CANCEL_ALL | 1U << 6), EINVAL);
  EXPECT_NE(error_of_cancel(IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL), EINVAL);
}

TEST_F(Mask, SocketOptionsOfLaterKernelsAreUnknown) {
  EXPECT_EQ(error_of_option(AF_UNIX, SOL_SOCKET, 76), ENOPROTOOPT);   // SO_PASSPIDFD, 6.5
  EXPECT_EQ(error_of_option(AF_INET, SOL_SOCKET, 82), ENOPROTOOPT);   // SO_RCVPRIORITY, 6.14
  EXPECT_EQ(error_of_option(AF_INET, IPPROTO_TCP, 44), ENOPROTOOPT);  // TCP_RTO_MAX_MS, 6.15
  EXPECT_EQ(error_of_option(AF_INET, SOL_SOCKET, SO_REUSEPORT), 0);
  EXPECT_EQ(error_of_option(AF_INET, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  EXPECT_EQ(error_of_option(AF_INET, IPPROTO_IP, IP_TOS), 0);
}

TEST_F(Mask, AChildIsMaskedToo) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool masked = error_of_setup(1U << 16) == EINVAL && error_of(451) == ENOSYS;
    std::_Exit(masked ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(Mask, TheServersOwnRingIsMadeAllTheSame) {
  const KernelFacts facts = probe_kernel();
  const Result<void> verdict = judge_kernel(facts);
  EXPECT_TRUE(verdict.ok()) << verdict.error().text;
  RecvBuffers buffers(16, 4'096);
  EXPECT_TRUE(make_uring({.submission_entries = 64, .files = 64}, buffers).ok());
}

// The mask is 6.1's first release; its later ones, Debian's among them, have got these since.
using MaskOfTheFirst61 = Mask;

TEST_F(MaskOfTheFirst61, HasNoFlagsOfCancelsAndNoOptionsThatWereBroughtBack) {
  EXPECT_EQ(error_of_cancel(IORING_ASYNC_CANCEL_ALL | 1U << 4), EINVAL);  // _USERDATA, 6.6
  EXPECT_EQ(error_of_cancel(IORING_ASYNC_CANCEL_ALL | 1U << 5), EINVAL);  // _OP, 6.6
  // IP_LOCAL_PORT_RANGE, 6.3
  EXPECT_EQ(error_of_option(AF_INET, IPPROTO_IP, 51), ENOPROTOOPT);
}

// Run without the mask: were these refused anyway, the tests above would show nothing.
TEST(Unmasked, ANewerKernelTakesWhatTheMaskRefuses) {
  utsname name{};
  ASSERT_EQ(uname(&name), 0);
  const std::string release = name.release;
  const int major = std::atoi(release.c_str());
  const int minor = std::atoi(release.c_str() + release.find('.') + 1);
  if (major < 6 || (major == 6 && minor < 7)) GTEST_SKIP() << release << " has nothing to mask";
  std::uint32_t word = 0;
  EXPECT_EQ(error_of_setup(1U << 16), 0);                  // NO_SQARRAY, 6.6
  EXPECT_EQ(error_of(454, &word, 1UL, 1, 2U), 0);          // futex_wake, 6.7
  EXPECT_EQ(error_of_option(AF_UNIX, SOL_SOCKET, 76), 0);  // SO_PASSPIDFD, 6.5
}

}  // namespace
}  // namespace millrace

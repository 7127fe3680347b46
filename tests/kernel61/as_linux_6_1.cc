// Runs a command for which the kernel has nothing newer than Linux 6.1.
//
//   as_linux_6_1 COMMAND [ARGUMENT]...
//
// A seccomp filter (seccomp(2)) answers what came later as 6.1 does: system calls with ENOSYS,
// operations of io_uring_register and flags of io_uring_enter with EINVAL, socket options with
// ENOPROTOOPT. Flags that stand in memory (those of io_uring_setup, of a buffer ring and of a
// cancel) a filter can't see; there the kernel asks this process, which reads them. What is written
// to the submission queue passes no system call: tests/kernel61/needs.cc watches that by name, and
// ./dev kernel61 has the real kernel judge it.
//
// The command's children are masked like itself. Exits as the command does.
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

namespace {

// Of Linux 6.1's own headers; a newer machine's have more.
constexpr std::uint32_t kLastCall = 450;         // set_mempolicy_home_node
constexpr std::uint32_t kLastRegister = 25;      // IORING_REGISTER_FILE_ALLOC_RANGE
constexpr std::uint32_t kSetupFlags = 0x3fff;    // up to IORING_SETUP_DEFER_TASKRUN
constexpr std::uint32_t kEnterFlags = 0x1f;      // up to IORING_ENTER_REGISTERED_RING
constexpr std::uint32_t kCancelFlags = 0xf;      // up to IORING_ASYNC_CANCEL_FD_FIXED
constexpr std::uint32_t kLastSocketOption = 75;  // SO_RCVMARK
constexpr std::uint32_t kLastTcpOption = 37;     // TCP_TX_DELAY
constexpr std::uint32_t kLastIpOption = 50;      // IP_UNICAST_IF
constexpr std::uint32_t kFirewallOptions = 64;   // of IPPROTO_IP: IPT_BASE_CTL and on

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "as_linux_6_1: %s: %s\n", what, std::strerror(errno));
  std::_Exit(70);
}

// --- The filter
// -----------------------------------------------------------------------------------

using Filter = std::vector<sock_filter>;

void load(Filter& filter, std::size_t offset) {
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
}

// The low half of an argument; none of ours is wider.
void load_argument(Filter& filter, unsigned number) {
  load(filter, offsetof(seccomp_data, args) + number * sizeof(std::uint64_t));
}

// Runs the next `count` statements if what is loaded compares so, else skips them.
void only_if(Filter& filter, unsigned comparison, std::uint32_t value, std::uint8_t count) {
  filter.push_back(
      BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), value, 0, count));
}

void answer(Filter& filter, std::uint32_t action) {
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, action));
}

constexpr std::uint32_t refuse(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

// Refuses `call` if the argument compares so.
void refuse_argument(Filter& filter, std::uint32_t call, unsigned argument, unsigned comparison,
                     std::uint32_t value) {
  load(filter, offsetof(seccomp_data, nr));
  only_if(filter, BPF_JEQ, call, 3);
  load_argument(filter, argument);
  only_if(filter, comparison, value, 1);
  answer(filter, refuse(EINVAL));
}

// Refuses the options of a level from `first` to `last`.
void refuse_options(Filter& filter, std::uint32_t level, std::uint32_t first, std::uint32_t last) {
  for (const std::uint32_t call : {SYS_setsockopt, SYS_getsockopt}) {
    load(filter, offsetof(seccomp_data, nr));
    only_if(filter, BPF_JEQ, call, 6);
    load_argument(filter, 1);
    only_if(filter, BPF_JEQ, level, 4);
    load_argument(filter, 2);
    only_if(filter, BPF_JGE, first, 2);
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0));
    answer(filter, refuse(ENOPROTOOPT));
  }
}

Filter make_filter() {
  Filter filter;
  load(filter, offsetof(seccomp_data, nr));
  only_if(filter, BPF_JGT, kLastCall, 1);
  answer(filter, refuse(ENOSYS));
  refuse_argument(filter, SYS_io_uring_register, 1, BPF_JGT, kLastRegister);
  refuse_argument(filter, SYS_io_uring_enter, 3, BPF_JSET, ~kEnterFlags);
  refuse_options(filter, SOL_SOCKET, kLastSocketOption + 1, UINT32_MAX);
  refuse_options(filter, IPPROTO_TCP, kLastTcpOption + 1, UINT32_MAX);
  refuse_options(filter, IPPROTO_IP, kLastIpOption + 1, kFirewallOptions - 1);
  load(filter, offsetof(seccomp_data, nr));
  only_if(filter, BPF_JEQ, SYS_io_uring_setup, 1);
  answer(filter, SECCOMP_RET_USER_NOTIF);
  only_if(filter, BPF_JEQ, SYS_io_uring_register, 4);
  load_argument(filter, 1);
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IORING_REGISTER_PBUF_RING, 1, 0));
  only_if(filter, BPF_JEQ, IORING_REGISTER_SYNC_CANCEL, 1);
  answer(filter, SECCOMP_RET_USER_NOTIF);
  answer(filter, SECCOMP_RET_ALLOW);
  return filter;
}

// --- What stands in memory
// ------------------------------------------------------------------------

template <typename Value>
std::optional<Value> read_memory(pid_t pid, std::uint64_t address) {
  Value value{};
  iovec ours{&value, sizeof(value)};
  iovec theirs{reinterpret_cast<void*>(address), sizeof(value)};
  if (process_vm_readv(pid, &ours, 1, &theirs, 1, 0) != sizeof(value)) return std::nullopt;
  return value;
}

// The flags of a buffer ring came with 6.4 where 6.1 wants zeroes.
constexpr std::size_t kBufferRingFlags = 14;

// Whether 6.1 would know the flags. What can't be read, the kernel refuses by itself.
bool is_known(const seccomp_notif& call) {
  const auto pid = static_cast<pid_t>(call.pid);
  if (call.data.nr == SYS_io_uring_setup) {
    const auto flags =
        read_memory<std::uint32_t>(pid, call.data.args[1] + offsetof(io_uring_params, flags));
    return (flags.value_or(0) & ~kSetupFlags) == 0;
  }
  if (call.data.args[1] == IORING_REGISTER_PBUF_RING) {
    return read_memory<std::uint16_t>(pid, call.data.args[2] + kBufferRingFlags).value_or(0) == 0;
  }
  const auto flags = read_memory<std::uint32_t>(
      pid, call.data.args[2] + offsetof(io_uring_sync_cancel_reg, flags));
  return (flags.value_or(0) & ~kCancelFlags) == 0;
}

void answer_one(int listener) {
  seccomp_notif call{};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
    if (errno == ENOENT || errno == EINTR) return;  // the caller died or was interrupted
    die("no system call to judge");
  }
  seccomp_notif_resp response{};
  response.id = call.id;
  if (is_known(call)) {
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  } else {
    response.error = -EINVAL;
  }
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) != 0 && errno != ENOENT) {
    die("a judgement that nobody takes");
  }
}

// --- Two processes
// --------------------------------------------------------------------------------

[[noreturn]] void run_masked(char** command, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Filter filter = make_filter();
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("PR_SET_NO_NEW_PRIVS");
  const long listener =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) die("the filter can't be installed");
  const auto number = static_cast<int>(listener);
  if (write(report, &number, sizeof(number)) != sizeof(number)) die("write");
  // The other process copies the descriptor and closes its end; only then may ours go by exec.
  char end = 0;
  static_cast<void>(read(report, &end, 1));
  execvp(command[0], command);
  die(command[0]);
}

// The filter's other end, copied from the child.
int take_listener(int pidfd, int report) {
  int number = -1;
  if (read(report, &number, sizeof(number)) != sizeof(number)) return -1;  // it said why
  const long listener = syscall(SYS_pidfd_getfd, pidfd, number, 0);
  if (listener < 0) die("the filter's descriptor can't be taken");
  return static_cast<int>(listener);
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) die("waitpid");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void judge_until_end(int pidfd, int listener) {
  std::array watched = {pollfd{pidfd, POLLIN, 0}, pollfd{listener, POLLIN, 0}};
  while (watched[0].revents == 0) {
    if (poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) die("poll");
    if ((watched[1].revents & POLLIN) != 0) answer_one(listener);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: as_linux_6_1 COMMAND [ARGUMENT]...\n", stderr);
    return 64;
  }
  std::array<int, 2> reports{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, reports.data()) != 0) die("socketpair");
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    close(reports[0]);
    run_masked(argv + 1, reports[1]);
  }
  close(reports[1]);
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (pidfd < 0) die("pidfd_open");
  const int listener = take_listener(pidfd, reports[0]);
  close(reports[0]);
  // A terminal's Ctrl-C reaches the command as well.
  std::signal(SIGINT, SIG_IGN);
  if (listener >= 0) judge_until_end(pidfd, listener);
  return wait_for(child);
}

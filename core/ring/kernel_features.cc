#include "core/ring/kernel_features.h"

#include <liburing.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace millrace {
namespace {

// What a ring of ours asks of the kernel, by the name that an operator finds in io_uring_enter(2).
struct NeededOpcode {
  int opcode;
  const char* name;
};
constexpr std::array kNeededOpcodes = {
    NeededOpcode{IORING_OP_ACCEPT, "IORING_OP_ACCEPT"},
    NeededOpcode{IORING_OP_RECV, "IORING_OP_RECV"},
    NeededOpcode{IORING_OP_SEND, "IORING_OP_SEND"},
    NeededOpcode{IORING_OP_SENDMSG, "IORING_OP_SENDMSG"},
    NeededOpcode{IORING_OP_CLOSE, "IORING_OP_CLOSE"},
    NeededOpcode{IORING_OP_ASYNC_CANCEL, "IORING_OP_ASYNC_CANCEL"},
    NeededOpcode{IORING_OP_READ, "IORING_OP_READ"},
    NeededOpcode{IORING_OP_POLL_ADD, "IORING_OP_POLL_ADD"},
};

constexpr const char* kNewerKernel =
    "millrace needs Linux 6.1 or later; on Debian 12 or later: "
    "apt-get install linux-image-amd64 && reboot";
constexpr const char* kMoreMemlock =
    "raise it: ulimit -l unlimited (systemd: LimitMEMLOCK=infinity), or grant CAP_IPC_LOCK";
constexpr const char* kMoreDescriptors =
    "raise it: ulimit -n 1048576 (systemd: LimitNOFILE=1048576)";
constexpr const char* kOpenSeccomp =
    "allow io_uring_setup, io_uring_enter and io_uring_register in the profile "
    "(systemd: SystemCallFilter=io_uring_setup io_uring_enter io_uring_register), or run the "
    "container with "
    "--security-opt seccomp=unconfined";

int read_uring_disabled() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  int value = 0;
  return file >> value ? value : 0;
}

bool has_sys_admin() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0) return false;
  return (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN)) != 0;
}

std::uint64_t memlock_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  return limit.rlim_cur;
}

std::vector<std::string> find_missing_opcodes(io_uring& ring) {
  std::vector<std::string> missing;
  io_uring_probe* probe = io_uring_get_probe_ring(&ring);
  if (probe == nullptr) return {"IORING_REGISTER_PROBE"};
  for (const NeededOpcode& needed : kNeededOpcodes) {
    if (!io_uring_opcode_supported(probe, needed.opcode)) missing.emplace_back(needed.name);
  }
  io_uring_free_probe(probe);
  return missing;
}

int try_provided_buffers(io_uring& ring) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = 4;
  const int result = io_uring_register_buf_ring(&ring, &registration, 0);
  if (result == 0) io_uring_unregister_buf_ring(&ring, 0);
  munmap(memory, page);
  return -result;
}

std::string mebibytes(std::uint64_t bytes) {
  return bytes == UINT64_MAX ? "unlimited" : std::to_string(bytes / (1024 * 1024)) + " MiB";
}

// Of Linux 6.13, as what can_close_direct_sockets() is about; older headers don't have the name.
constexpr unsigned kRegisterMemoryRegion = 34;

bool knows_memory_regions(const io_uring& ring) {
  std::array<std::uint64_t, 8> nothing{};
  return syscall(SYS_io_uring_register, ring.ring_fd, kRegisterMemoryRegion, nothing.data(), 1) ==
             0 ||
         errno != EINVAL;
}

// No answer about the kernel: something else was in the way.
Error could_not_try(const char* what, int error) {
  std::string text = "whether this kernel closes direct descriptors could not be tried: ";
  text += std::string(what) + " failed (" + std::strerror(error) + "): ";
  switch (error) {
    case EMFILE:
      return Error{text + "RLIMIT_NOFILE is used up; " + kMoreDescriptors};
    case ENFILE:
      return Error{text + "no file left in the whole system: sysctl -w fs.file-max=4194304"};
    case ENOMEM:
    case ENOBUFS:
      return Error{text +
                   "free memory on this machine; if the limit on locked memory is too low, " +
                   kMoreMemlock};
    case EPERM:
    case EACCES:
    case ENOSYS:
      return Error{text + "a seccomp profile forbids it; allow socketpair in it, and " +
                   kOpenSeccomp};
    default:
      return Error{text + "start again"};
  }
}

// The first of the operations that failed, as errno; 0 if none.
int failed_operation(io_uring& ring) {
  unsigned head = 0;
  io_uring_cqe* cqe = nullptr;
  io_uring_for_each_cqe(&ring, head, cqe) {
    if (cqe->res < 0) return -cqe->res;
  }
  return 0;
}

// A receive is armed on the first file, then the second is closed. Whether its peer sees it.
Result<bool> close_beside_receive(io_uring& ring, char& byte, int peer) {
  io_uring_sqe* receive = io_uring_get_sqe(&ring);
  io_uring_prep_recv(receive, 0, &byte, 1, 0);
  receive->flags |= IOSQE_FIXED_FILE;
  int entered = io_uring_submit_and_get_events(&ring);
  if (entered < 0) return could_not_try("a receive", -entered);
  io_uring_prep_close_direct(io_uring_get_sqe(&ring), 1);
  entered = io_uring_submit_and_get_events(&ring);
  if (entered < 0) return could_not_try("a close", -entered);
  if (const int error = failed_operation(ring); error != 0) {
    return could_not_try("a receive or a close", error);
  }
  pollfd end{peer, POLLIN, 0};
  int seen = 0;
  do {
    seen = poll(&end, 1, 0);
  } while (seen < 0 && errno == EINTR);
  if (seen < 0) return could_not_try("poll", errno);
  return seen == 1;
}

// Takes the sockets `other` and `closed`.
Result<bool> try_direct_close(io_uring& ring, int other, int closed, int peer) {
  const std::array files = {other, closed};
  const int registered = io_uring_register_files(&ring, files.data(), files.size());
  close(other);
  close(closed);
  if (registered != 0) return could_not_try("a file table", -registered);
  char byte = 0;
  Result<bool> seen = close_beside_receive(ring, byte, peer);
  // The receive must not write to a byte that is gone.
  io_uring_sync_cancel_reg all{};
  all.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
  all.timeout.tv_sec = 1;
  io_uring_register_sync_cancel(&ring, &all);
  return seen;
}

Result<bool> try_with_sockets(io_uring& ring) {
  std::array<int, 2> others{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, others.data()) != 0) {
    return could_not_try("a pair of sockets", errno);
  }
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    const int error = errno;
    close(others[0]);
    close(others[1]);
    return could_not_try("a pair of sockets", error);
  }
  Result<bool> can = try_direct_close(ring, others[0], pair[0], pair[1]);
  close(pair[1]);
  close(others[1]);
  return can;
}

// EPERM has three authors: the sysctl, a container's seccomp profile, a security module.
std::string explain_forbidden(const KernelFacts& facts) {
  if (facts.uring_disabled == 2) {
    return "io_uring is switched off on this machine (kernel.io_uring_disabled is 2): "
           "sysctl -w kernel.io_uring_disabled=0";
  }
  if (facts.uring_disabled == 1 && !facts.privileged) {
    return "io_uring is for privileged processes only on this machine (kernel.io_uring_disabled is "
           "1): add the group of this process with sysctl -w kernel.io_uring_group=<gid>, or "
           "sysctl "
           "-w kernel.io_uring_disabled=0";
  }
  return std::string(
             "io_uring is forbidden here, most likely by a seccomp profile (the default of "
             "Docker and others forbids it): ") +
         kOpenSeccomp;
}

std::string explain_setup(const KernelFacts& facts) {
  switch (facts.setup_errno) {
    case EPERM:
    case EACCES:
      return explain_forbidden(facts);
    case ENOSYS:
      return "io_uring does not exist for this process (Linux " + facts.release +
             "): a kernel without CONFIG_IO_URING (" + kNewerKernel +
             "), or a seccomp profile or sandbox hides it: " + kOpenSeccomp;
    case EINVAL:
      if (facts.plain_setup_errno != 0) break;
      return "Linux " + facts.release +
             " is too old: its io_uring has no SINGLE_ISSUER or DEFER_TASKRUN; " + kNewerKernel;
    case ENOMEM:
      return "no memory for an io_uring: the limit on locked memory (" +
             mebibytes(facts.memlock_limit) + ") may be too low; " + kMoreMemlock;
    case EMFILE:
      return std::string("no descriptor left for an io_uring: RLIMIT_NOFILE is used up; ") +
             kMoreDescriptors;
    case ENFILE:
      return "no file left for an io_uring in the whole system: sysctl -w fs.file-max=4194304";
    default:
      break;
  }
  return std::string("io_uring_setup failed on Linux ") + facts.release + ": " +
         std::strerror(facts.setup_errno) + "; " + kNewerKernel;
}

std::string explain_register(const char* what, int error, const KernelFacts& facts) {
  const std::string failed = std::string(what) + " can't be registered with io_uring (" +
                             std::strerror(error) + ", Linux " + facts.release + "): ";
  if (error == ENOMEM) {
    return failed + "the limit on locked memory (" + mebibytes(facts.memlock_limit) +
           ") may be too low; " + kMoreMemlock;
  }
  if (error == EMFILE) return failed + "RLIMIT_NOFILE is too low; " + kMoreDescriptors;
  if (error == EPERM || error == EACCES || error == ENOSYS) {
    return failed + "a seccomp profile forbids it; " + kOpenSeccomp;
  }
  return failed + kNewerKernel;
}

}  // namespace

// SINGLE_ISSUER (6.0) and DEFER_TASKRUN (6.1): completions run when the shard asks for them and
// interrupt nothing. COOP_TASKRUN (5.19): no inter-processor interrupt. SUBMIT_ALL (5.18): one bad
// request does not hold up the rest of a batch. CQSIZE and CLAMP: a large completion queue, cut to
// the kernel's maximum.
unsigned uring_setup_flags() {
  return IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
         IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
}

Result<bool> can_close_direct_sockets() {
  io_uring ring{};
  io_uring_params params{};
  params.flags = uring_setup_flags();
  params.cq_entries = 8;
  const int error = -io_uring_queue_init_params(4, &ring, &params);
  if (error != 0) {
    KernelFacts facts = probe_kernel();
    facts.setup_errno = error;
    return judge_kernel(facts).error();
  }
  Result<bool> can = false;
  if (knows_memory_regions(ring)) can = try_with_sockets(ring);
  io_uring_queue_exit(&ring);
  return can;
}

KernelFacts probe_kernel() {
  KernelFacts facts;
  utsname name{};
  if (uname(&name) == 0) facts.release = name.release;
  facts.uring_disabled = read_uring_disabled();
  facts.privileged = has_sys_admin();
  facts.memlock_limit = memlock_limit();

  io_uring plain{};
  facts.plain_setup_errno = -io_uring_queue_init(2, &plain, 0);
  if (facts.plain_setup_errno == 0) {
    facts.missing_opcodes = find_missing_opcodes(plain);
    io_uring_queue_exit(&plain);
  }

  io_uring ring{};
  io_uring_params params{};
  params.flags = uring_setup_flags();
  params.cq_entries = 8;
  facts.setup_errno = -io_uring_queue_init_params(2, &ring, &params);
  if (facts.setup_errno == 0) {
    facts.register_files_errno = -io_uring_register_files_sparse(&ring, 4);
    facts.register_buffers_errno = try_provided_buffers(ring);
    io_uring_queue_exit(&ring);
  }
  return facts;
}

Result<void> judge_kernel(const KernelFacts& facts) {
  std::string text;
  const auto add = [&text](const std::string& line) {
    if (!text.empty()) text += '\n';
    text += line;
  };
  if (facts.setup_errno != 0) add(explain_setup(facts));
  if (facts.register_files_errno != 0) {
    add(explain_register("a file table", facts.register_files_errno, facts));
  }
  if (facts.register_buffers_errno != 0) {
    add(explain_register("a ring of receive buffers", facts.register_buffers_errno, facts));
  }
  if (!facts.missing_opcodes.empty()) {
    std::string names;
    for (const std::string& opcode : facts.missing_opcodes) {
      names += names.empty() ? opcode : ", " + opcode;
    }
    add("io_uring of Linux " + facts.release + " lacks " + names + "; " + kNewerKernel);
  }
  if (text.empty()) return {};
  return Error{text};
}

bool rings_count_as_locked() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return false;
  const rlimit none{0, limit.rlim_max};
  if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return false;
  io_uring ring{};
  const int error = -io_uring_queue_init(2, &ring, 0);
  if (error == 0) io_uring_queue_exit(&ring);
  setrlimit(RLIMIT_MEMLOCK, &limit);
  return error == ENOMEM;
}

std::uint64_t raise_descriptor_limit() {
  constexpr std::uint64_t kCommonLimit = 1'024;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kCommonLimit;  // a sandbox forbids to ask
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    // Refused where the hard limit is above fs.nr_open; the soft one then stays as it was.
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

}  // namespace millrace

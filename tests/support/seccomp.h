// Makes the kernel refuse one system call to the calling thread, for good: what a container's
// profile does. Run it on a thread of the test's own.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/assert.h"

namespace millrace {

// Which calls: those whose argument number `argument` (its low half), masked, is `value`. A mask of
// 0 with a value of 0 means all.
struct RefusedCall {
  long number = 0;
  int error = 0;
  unsigned argument = 0;
  std::uint32_t mask = 0;
  std::uint32_t value = 0;
};

inline void refuse_on_this_thread(const RefusedCall& call) {
  const auto argument_at =
      static_cast<std::uint32_t>(offsetof(seccomp_data, args) + call.argument * 8);
  std::array filter = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call.number), 0,
                           4),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_at),
      sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, call.mask),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.value, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K,
                           SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(call.error)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  CHECK_EQ(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
}

}  // namespace millrace

// What this kernel can do, found by trying, not by its version; and the text that tells an operator
// what is missing and how to mend it. The one place for kernel knowledge of the start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace millrace {

// What a probe of the running system found. Plain data, so that tests make their own.
struct KernelFacts {
  std::string release;             // uname -r
  int uring_disabled = 0;          // kernel.io_uring_disabled: 0, 1, 2 (Linux 6.6; absent is 0)
  bool privileged = false;         // CAP_SYS_ADMIN, which io_uring_disabled=1 lets through
  int setup_errno = 0;             // of io_uring_setup with our flags; 0 is success
  int plain_setup_errno = 0;       // of io_uring_setup without flags
  int register_files_errno = 0;    // of a small sparse file table
  int register_buffers_errno = 0;  // of a small provided-buffer ring
  std::vector<std::string> missing_opcodes;  // of those that we use, by name
  std::uint64_t memlock_limit = 0;           // bytes; UINT64_MAX is unlimited
};

// The flags that every ring of ours is set up with (io_uring_setup(2)).
unsigned uring_setup_flags();

// Whether a direct descriptor's socket is closed when it is told to, not when operations on others
// have ended (core/ring/socket_files.h). Tried on the calling thread; leaves nothing behind. An
// error says why it could not be tried, which tells nothing about the kernel.
Result<bool> can_close_direct_sockets();

// Tries it all on the calling thread and leaves nothing behind.
KernelFacts probe_kernel();

// Ok, or every missing thing with its mend: one line a cause, each ends with the command or
// setting.
Result<void> judge_kernel(const KernelFacts& facts);

// Whether the memory of rings counts against RLIMIT_MEMLOCK for this process, as it did before
// Linux 5.12 and does again on newer ones (seen on 6.18). Tried with the soft limit at 0 for a
// moment, so only while no other thread runs.
bool rings_count_as_locked();

// Raises the soft limit on descriptors to the hard one. Returns the limit in force.
std::uint64_t raise_descriptor_limit();

}  // namespace millrace

// Memory that is held back for the moment when there is no more.
//
// Containers here have no way to fail half-way: an exception from the middle of a turn would leave
// half-changed state behind. Instead, an allocation that fails gives the reserve back to the system
// and tries again, so the turn that met it ends as any other. A while later a shard takes the
// reserve anew; until that works, the server lets no newcomers in (net/server/memory_watch.h).
// Meanwhile, who fails gets what is free with the allocator. If that is not enough, the process
// ends with kExitCode and a line that says why.
//
// One a process; all calls are any thread's, none allocates. The reserve is mapped, not allocated:
// unmapped, it serves whichever allocator or arena asks next. It is not touched. What makes an
// allocation fail is a limit on addresses (ulimit -v) or on what may be promised (strict
// overcommit), and a mapping counts for both; where pages run out, no allocation fails.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/result.h"

namespace millrace {

class MemoryReserve {
 public:
  // Addresses only, until they are given back. jemalloc's own tables grow in blocks of 2 MiB and
  // more, and ask for twice that where the next free address is not aligned: seen with 4 MiB, in
  // 4 of 1,000 processes that ran out under load.
  static constexpr std::size_t kLeastBytes = 16 * 1024 * 1024;
  // How often one thread may fail between two refills. More would be an allocation that no reserve
  // satisfies.
  static constexpr unsigned kMostFailures = 16;
  // From a failure to the next refill, and between two attempts: another thread may be in the turn
  // that the reserve was given back for.
  static constexpr std::int64_t kBetweenTriesNs = 100'000'000;
  static constexpr int kExitCode = 71;  // sysexits(3): EX_OSERR

  // Takes the reserve and becomes operator new's handler (std::set_new_handler).
  // REQUIRES: not installed; bytes > 0.
  static Result<void> install(std::size_t bytes);
  static void uninstall();

  // An allocation failed. True if memory has been given back and it should be tried again. Failing
  // calls of C libraries come here too; those of operator new do so by themselves.
  [[nodiscard]] static bool give_back();
  // True while the reserve is given back.
  [[nodiscard]] static bool is_out();
  // Takes it anew. False if there is still no memory for it, or it is too early to try. True and no
  // effect unless is_out(). All threads' `now_ns` must be of one clock.
  static bool refill(std::int64_t now_ns);

  // Allocations that failed since the start.
  [[nodiscard]] static std::uint64_t failures();
  // True for the first who asks since the reserve was given back.
  [[nodiscard]] static bool first_to_tell();
};

// Calls `attempt`, which asks a C library for memory, once more if it fails and memory could be
// given back. Its result is true for success.
template <typename Attempt>
[[nodiscard]] bool try_with_reserve(Attempt attempt) {
  return attempt() || (MemoryReserve::give_back() && attempt());
}

}  // namespace millrace

#include "core/mem/memory_reserve.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "core/base/assert.h"
#include "core/mem/mallctl.h"

// Read by jemalloc when the process starts. It would keep each address that it ever had, for the
// arena that had it first: under `ulimit -v` nothing could then be mapped any more, and what one
// thread frees would serve no other. The reserve needs both, so it is here and in each program that
// has one. MALLOC_CONF in the environment is stronger.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "retain:false";
}

namespace millrace {
namespace {

struct State {
  std::atomic_flag locked;
  std::atomic<bool> out{false};
  std::atomic<bool> told{false};
  std::atomic<std::uint64_t> failures{0};

  // Guarded by `locked`.
  void* mapped = nullptr;  // null: it is out
  std::size_t bytes = 0;   // 0: not installed
  std::uint64_t refills = 0;
  std::uint64_t failures_seen = 0;  // by refill(),
  std::int64_t next_try_ns = 0;     // which waits from there on
};
constinit State state;

// What this thread has seen of it.
struct Witness {
  std::uint64_t refills = 0;
  unsigned failures = 0;  // since that refill
};
constinit thread_local Witness witness;

// The reserve is held for a few system calls, when memory has failed: no path of a message.
class Lock {
 public:
  Lock() {
    while (state.locked.test_and_set(std::memory_order_acquire)) state.locked.wait(true);
  }
  ~Lock() {
    state.locked.clear(std::memory_order_release);
    state.locked.notify_one();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
};

bool map_block() {
  void* mapped =
      mmap(nullptr, state.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return false;
  state.mapped = mapped;
  return true;
}

// What is free with jemalloc, of all threads, goes back to the system.
void purge_allocator() {
  if (mallctl != nullptr) mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

bool take_block() {
  if (map_block()) return true;
  purge_allocator();
  return map_block();
}

void release_block() {
  if (state.mapped != nullptr) CHECK_EQ(munmap(state.mapped, state.bytes), 0);
  state.mapped = nullptr;
}

[[noreturn]] void end_process() {
  constexpr std::string_view kText =
      "millrace: out of memory: an allocation failed after the reserve had been given back; give "
      "the process more memory (ulimit -v, LimitAS=, vm.overcommit_memory), or lower "
      "--max-connections and what [limits] allows each connection\n";
  static_cast<void>(!::write(STDERR_FILENO, kText.data(), kText.size()));
  std::_Exit(MemoryReserve::kExitCode);
}

void on_allocation_failed() {
  if (!MemoryReserve::give_back()) end_process();
}

}  // namespace

Result<void> MemoryReserve::install(std::size_t bytes) {
  CHECK_GT(bytes, 0U);
  const Lock lock;
  CHECK_EQ(state.bytes, 0U);
  state.bytes = bytes;
  if (!map_block()) {
    state.bytes = 0;
    return Error{"no memory for a reserve of " + std::to_string(bytes >> 20) + " MiB (" +
                 std::strerror(errno) +
                 "): give the process more (ulimit -v, LimitAS=, vm.overcommit_memory)"};
  }
  std::set_new_handler(&on_allocation_failed);
  return {};
}

void MemoryReserve::uninstall() {
  const Lock lock;
  CHECK_GT(state.bytes, 0U);
  std::set_new_handler(nullptr);
  release_block();
  state.bytes = 0;
  state.out.store(false, std::memory_order_relaxed);
}

bool MemoryReserve::give_back() {
  state.failures.fetch_add(1, std::memory_order_relaxed);
  const Lock lock;
  if (state.bytes == 0) return false;
  if (witness.refills != state.refills) witness = {state.refills, 0};
  if (++witness.failures > kMostFailures) return false;
  // Who fails while it is out still gets what is free with the allocator in the wrong sizes or for
  // other threads, and what has come back since.
  purge_allocator();
  if (state.mapped == nullptr) return true;
  release_block();
  if (!state.out.exchange(true, std::memory_order_relaxed)) {
    state.told.store(false, std::memory_order_relaxed);
  }
  return true;
}

bool MemoryReserve::is_out() { return state.out.load(std::memory_order_relaxed); }

bool MemoryReserve::refill(std::int64_t now_ns) {
  if (!is_out()) return true;
  const Lock lock;
  if (!is_out()) return true;  // another shard was first
  // Who fails has no clock at hand, so the wait begins with the first turn that ends after it.
  const std::uint64_t failures_now = failures();
  if (state.failures_seen != failures_now) {
    state.failures_seen = failures_now;
    state.next_try_ns = now_ns + kBetweenTriesNs;
  }
  if (now_ns < state.next_try_ns) return false;
  state.next_try_ns = now_ns + kBetweenTriesNs;
  if (!take_block()) return false;
  ++state.refills;
  state.out.store(false, std::memory_order_relaxed);
  return true;
}

std::uint64_t MemoryReserve::failures() { return state.failures.load(std::memory_order_relaxed); }

bool MemoryReserve::first_to_tell() {
  return is_out() && !state.told.exchange(true, std::memory_order_relaxed);
}

}  // namespace millrace

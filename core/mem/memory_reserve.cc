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
#include <utility>

#include "core/base/assert.h"

namespace millrace {
namespace {

// What is allocated is in small pieces: jemalloc does not cut a large free one for small requests
// until it has aged.
constexpr std::size_t kPiece = 64 * 1024;
struct Piece {
  Piece* next;
};

struct State {
  std::atomic_flag locked;
  std::atomic<bool> out{false};
  std::atomic<bool> told{false};
  std::atomic<std::uint64_t> failures{0};

  // Guarded by `locked`.
  void* mapped = nullptr;   // the reserve, or
  Piece* pieces = nullptr;  // what there is instead, malloc's
  std::size_t bytes = 0;    // 0: not installed
  std::uint64_t given_back = 0;
  std::uint64_t refills = 0;
};
constinit State state;

// What this thread has seen of it.
struct Witness {
  std::uint64_t given_back = 0;
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

bool holds_block() { return state.mapped != nullptr || state.pieces != nullptr; }

// Touched, so that it is memory and not a promise of some.
bool map_block() {
  void* mapped = mmap(nullptr, state.bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (mapped == MAP_FAILED) return false;
  state.mapped = mapped;
  return true;
}

void release_block() {
  if (state.mapped != nullptr) CHECK_EQ(munmap(state.mapped, state.bytes), 0);
  state.mapped = nullptr;
  while (state.pieces != nullptr) std::free(std::exchange(state.pieces, state.pieces->next));
}

// An allocator may keep the addresses that it has (jemalloc does): under a limit of those nothing
// can be mapped any more, and what is free is free with it only.
bool allocate_block() {
  for (std::size_t taken = 0; taken < state.bytes; taken += kPiece) {
    void* memory = std::malloc(kPiece);
    if (memory == nullptr) {
      release_block();
      return false;
    }
    std::memset(memory, 1, kPiece);
    state.pieces = ::new (memory) Piece{state.pieces};
  }
  return true;
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
  if (witness.refills != state.refills) witness = {witness.given_back, state.refills, 0};
  if (++witness.failures > kMostFailures) return false;
  // Who failed before another thread gave it back only has to try again. Who has tried again since
  // may still find that memory has come back by itself.
  if (!holds_block() && witness.given_back != state.given_back) {
    witness.given_back = state.given_back;
    return true;
  }
  if (!holds_block() && !map_block()) return false;
  release_block();
  witness.given_back = ++state.given_back;
  if (!state.out.exchange(true, std::memory_order_relaxed)) {
    state.told.store(false, std::memory_order_relaxed);
  }
  return true;
}

bool MemoryReserve::is_out() { return state.out.load(std::memory_order_relaxed); }

bool MemoryReserve::refill() {
  if (!is_out()) return true;
  const Lock lock;
  if (!is_out()) return true;  // another shard was first
  if (!map_block() && !allocate_block()) return false;
  ++state.refills;
  state.out.store(false, std::memory_order_relaxed);
  return true;
}

std::uint64_t MemoryReserve::failures() { return state.failures.load(std::memory_order_relaxed); }

bool MemoryReserve::first_to_tell() {
  return is_out() && !state.told.exchange(true, std::memory_order_relaxed);
}

}  // namespace millrace

#include "core/mem/thread_arenas.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/mem/mallctl.h"

namespace millrace {
namespace {

int read_number(const char* name, unsigned& value) {
  std::size_t size = sizeof(value);
  return mallctl(name, &value, &size, nullptr, 0);
}

int use_arena(unsigned arena) {
  return mallctl("thread.arena", nullptr, nullptr, &arena, sizeof(arena));
}

// More than a thread's cache takes (tens of KiB), and too much to stay in the caller's own.
constexpr std::size_t kCacheBytes = 64 * 1024;

// Caches are taken from arena 0, which keeps for a while what is freed with it.
int warm_caches(std::size_t count) {
  std::vector<void*> blocks;
  blocks.reserve(count);
  int error = use_arena(0);
  while (error == 0 && blocks.size() < count) {
    blocks.push_back(std::malloc(kCacheBytes));
    if (blocks.back() == nullptr) error = ENOMEM;
  }
  for (void* block : blocks) std::free(block);
  return error;
}

}  // namespace

Result<void> prepare_thread_arenas(std::size_t threads) {
  unsigned own = 0;
  unsigned arenas = 0;
  if (mallctl == nullptr) return {};
  if (read_number("thread.arena", own) != 0 || read_number("opt.narenas", arenas) != 0) {
    return {};
  }
  int error = 0;
  // One more is the starter's own. Behind those of "opt.narenas" is one for huge requests alone.
  const std::size_t end = threads < arenas ? threads + 1 : arenas;
  // A thread that is put into an arena makes it; arenas without threads go to the next new ones.
  for (unsigned arena = 0; arena < end && error == 0; ++arena) error = use_arena(arena);
  if (error == 0) error = warm_caches(end);
  static_cast<void>(use_arena(own));
  if (error == 0) return {};
  return Error{"no memory for the allocator of " + std::to_string(end) + " threads (" +
               std::strerror(error) +
               "): give the process more (ulimit -v, LimitAS=), or run fewer shards (--shards)"};
}

}  // namespace millrace

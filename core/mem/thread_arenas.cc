#include "core/mem/thread_arenas.h"

#include <algorithm>
#include <cstring>
#include <string>

// From jemalloc/jemalloc.h; null in a program without it.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                       std::size_t new_size) __attribute__((weak));

namespace millrace {
namespace {

int read_number(const char* name, unsigned& value) {
  std::size_t size = sizeof(value);
  return mallctl(name, &value, &size, nullptr, 0);
}

int use_arena(unsigned arena) {
  return mallctl("thread.arena", nullptr, nullptr, &arena, sizeof(arena));
}

}  // namespace

Result<void> prepare_thread_arenas(std::size_t threads) {
  unsigned own = 0;
  unsigned arenas = 0;
  if (mallctl == nullptr) return {};
  if (read_number("thread.arena", own) != 0 || read_number("arenas.narenas", arenas) != 0) {
    return {};
  }
  int error = 0;
  const std::size_t end = std::min<std::size_t>(arenas, threads + 1);
  // A thread that is put into an arena makes it; arenas without threads go to the next new ones.
  for (unsigned arena = 0; arena < end && error == 0; ++arena) error = use_arena(arena);
  static_cast<void>(use_arena(own));
  if (error == 0) return {};
  return Error{"no memory for the allocator of " + std::to_string(threads) + " threads (" +
               std::strerror(error) +
               "): give the process more (ulimit -v, LimitAS=), or run fewer shards (--shards)"};
}

}  // namespace millrace

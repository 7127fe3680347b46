// Memory that jemalloc needs for each new thread, taken before the threads start.
//
// jemalloc gives a new thread an arena of its own and a cache at its first allocation, and where
// there is no memory for one it runs into a null pointer (5.3.0). Made beforehand, the start can be
// refused with a cause instead. The caches' memory is kept free for some seconds only: a thread
// that starts later finds its arena, and needs 64 KiB more. With any other allocator this does
// nothing.
#pragma once

#include <cstddef>

#include "core/base/result.h"

namespace millrace {

// As many as jemalloc gives to threads at all.
inline constexpr std::size_t kAllArenas = static_cast<std::size_t>(-1);

// For `threads` threads that are started next, as far as jemalloc has an arena for each.
Result<void> prepare_thread_arenas(std::size_t threads);

}  // namespace millrace

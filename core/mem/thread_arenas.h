// Memory that jemalloc needs for each new thread, taken before the threads start.
//
// jemalloc gives a new thread an arena of its own at its first allocation, and where there is no
// memory for one it runs into a null pointer (5.3.0). Made beforehand, the start can be refused
// with a cause instead. With any other allocator this does nothing.
#pragma once

#include <cstddef>

#include "core/base/result.h"

namespace millrace {

// For `threads` threads that are started next, as far as jemalloc has an arena for each.
Result<void> prepare_thread_arenas(std::size_t threads);

}  // namespace millrace

// Heap memory in use, whichever allocator this program has: a sanitizer's, jemalloc or glibc's.
//
// For tests of what an object holds. Compare two readings on one thread, with nothing else going
// on.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <cstdint>

#include "core/base/assert.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// From sanitizer/allocator_interface.h, which Debian's g++ does not bring.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                       std::size_t new_size) __attribute__((weak));

namespace millrace {

inline std::int64_t allocated_bytes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return static_cast<std::int64_t>(__sanitizer_get_current_allocated_bytes());
#else
  if (mallctl == nullptr) {
    const struct mallinfo2 info = mallinfo2();
    return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
  }
  std::uint64_t allocated = 0;
  std::uint64_t freed = 0;
  std::size_t size = sizeof(allocated);
  CHECK_EQ(mallctl("thread.allocated", &allocated, &size, nullptr, 0), 0);
  CHECK_EQ(mallctl("thread.deallocated", &freed, &size, nullptr, 0), 0);
  return static_cast<std::int64_t>(allocated - freed);
#endif
}

}  // namespace millrace

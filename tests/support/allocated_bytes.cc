#include "tests/support/allocated_bytes.h"

#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

// From sanitizer/allocator_interface.h, which Debian's g++ does not bring. A sanitizer has a `new`
// of its own, and looks for one that is not deleted in its way.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();

namespace millrace {

std::int64_t allocated_bytes() {
  return static_cast<std::int64_t>(__sanitizer_get_current_allocated_bytes());
}

}  // namespace millrace

#else

namespace millrace {
namespace {

constinit thread_local std::int64_t in_use = 0;

void* counted(std::size_t size) {
  for (;;) {
    if (void* bytes = std::malloc(size == 0 ? 1 : size); bytes != nullptr) {
      in_use += static_cast<std::int64_t>(malloc_usable_size(bytes));
      return bytes;
    }
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void uncount(void* bytes) noexcept {
  in_use -= static_cast<std::int64_t>(malloc_usable_size(bytes));
  std::free(bytes);
}

}  // namespace

std::int64_t allocated_bytes() { return in_use; }

}  // namespace millrace

// Those of arrays, and those that do not throw, come here in the standard library.
void* operator new(std::size_t size) { return millrace::counted(size); }
void operator delete(void* bytes) noexcept { millrace::uncount(bytes); }
void operator delete(void* bytes, std::size_t) noexcept { millrace::uncount(bytes); }

#endif

#include "tests/faults/alloc_faults.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

// What is replaced, under the names that its owner gives it for such a use.
#if defined(MILLRACE_SANITIZED)
#define MILLRACE_REAL(name) __interceptor_##name
#else
#define MILLRACE_REAL(name) __libc_##name
#endif

extern "C" {
void* MILLRACE_REAL(malloc)(std::size_t size);
void* MILLRACE_REAL(calloc)(std::size_t count, std::size_t size);
void* MILLRACE_REAL(realloc)(void* old, std::size_t size);
void* MILLRACE_REAL(memalign)(std::size_t alignment, std::size_t size);
void MILLRACE_REAL(free)(void* memory);
}

namespace millrace {
namespace {

struct Thread {
  unsigned watched = 0;
  unsigned suspended = 0;
  unsigned in_new = 0;
  AllocFaults::Plan plan;
  std::uint64_t calls = 0;
  std::uint64_t failed = 0;
  std::uint64_t failed_directly = 0;
};
constinit thread_local Thread self;
constinit std::atomic<std::int64_t> live_allocations{0};

bool fails() {
  if (self.watched == 0 || self.suspended > 0) return false;
  if (self.plan.which == AllocFaults::Which::kDirect && self.in_new > 0) return false;
  ++self.calls;
  if (self.calls < self.plan.first || self.calls - self.plan.first >= self.plan.count) return false;
  if (self.plan.first == 0) return false;
  ++self.failed;
  if (self.in_new == 0) ++self.failed_directly;
  errno = ENOMEM;
  return true;
}

void* counted(void* memory) {
  if (memory != nullptr) live_allocations.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

// As libstdc++'s: asks the handler until there is memory.
template <typename Allocate>
void* allocate_for_new(Allocate allocate) {
  for (;;) {
    ++self.in_new;
    void* memory = allocate();
    --self.in_new;
    if (memory != nullptr) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void* new_bytes(std::size_t size) {
  return allocate_for_new([size] { return std::malloc(size == 0 ? 1 : size); });
}

void* new_bytes(std::size_t size, std::align_val_t alignment) {
  return allocate_for_new([size, alignment] {
    const auto boundary = static_cast<std::size_t>(alignment);
    return std::aligned_alloc(boundary, (size + boundary - 1) / boundary * boundary);
  });
}

}  // namespace

void AllocFaults::arm(const Plan& plan) {
  self.plan = plan;
  self.calls = 0;
  self.failed = 0;
  self.failed_directly = 0;
}
std::uint64_t AllocFaults::calls() { return self.calls; }
std::uint64_t AllocFaults::failed() { return self.failed; }
std::uint64_t AllocFaults::failed_directly() { return self.failed_directly; }
std::int64_t AllocFaults::live() { return live_allocations.load(std::memory_order_relaxed); }
AllocFaults::Watched::Watched() { ++self.watched; }
AllocFaults::Watched::~Watched() { --self.watched; }
AllocFaults::Suspended::Suspended() { ++self.suspended; }
AllocFaults::Suspended::~Suspended() { --self.suspended; }

}  // namespace millrace

extern "C" {

void* malloc(std::size_t size) {
  return millrace::fails() ? nullptr : millrace::counted(MILLRACE_REAL(malloc)(size));
}

void* calloc(std::size_t count, std::size_t size) {
  return millrace::fails() ? nullptr : millrace::counted(MILLRACE_REAL(calloc)(count, size));
}

void* realloc(void* old, std::size_t size) {
  if (millrace::fails()) return nullptr;
  void* memory = MILLRACE_REAL(realloc)(old, size);
  if (old == nullptr) return millrace::counted(memory);
  if (memory == nullptr && size == 0) millrace::live_allocations.fetch_sub(1);
  return memory;
}

void* memalign(std::size_t alignment, std::size_t size) {
  if (millrace::fails()) return nullptr;
  return millrace::counted(MILLRACE_REAL(memalign)(alignment, size));
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  void* memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}

void free(void* memory) {
  if (memory == nullptr) return;
  millrace::live_allocations.fetch_sub(1, std::memory_order_relaxed);
  MILLRACE_REAL(free)(memory);
}

}  // extern "C"

void* operator new(std::size_t size) { return millrace::new_bytes(size); }
void* operator new[](std::size_t size) { return millrace::new_bytes(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return millrace::new_bytes(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return millrace::new_bytes(size, alignment);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return millrace::new_bytes(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return millrace::new_bytes(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

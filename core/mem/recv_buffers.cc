#include "core/mem/recv_buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

namespace millrace {

namespace {

// Mapped, not allocated: pages that no receive has touched yet cost nothing.
char* map_buffers(std::size_t bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<char*>(mapped);
}

}  // namespace

Result<std::unique_ptr<RecvBuffers>> RecvBuffers::make(std::uint32_t count, std::uint32_t size) {
  const std::size_t bytes = std::size_t{count} * size;
  char* memory = map_buffers(bytes);
  if (memory == nullptr) {
    return Error{"no memory for " + std::to_string(bytes) + " bytes of receive buffers (" +
                 std::strerror(errno) +
                 "): lower [limits] recv_buffers, or give the process more (ulimit -v, LimitAS=)"};
  }
  return std::unique_ptr<RecvBuffers>(new RecvBuffers(count, size, memory));
}

RecvBuffers::RecvBuffers(std::uint32_t count, std::uint32_t size)
    : RecvBuffers(count, size, map_buffers(std::size_t{count} * size)) {}

RecvBuffers::RecvBuffers(std::uint32_t count, std::uint32_t size, char* memory)
    : count_(count), size_(size), memory_(memory), out_(count) {
  CHECK(std::has_single_bit(count));
  CHECK_LE(count, kMaxCount);
  CHECK_GT(size, 0U);
  CHECK(memory != nullptr);
}

RecvBuffers::~RecvBuffers() {
  CHECK_EQ(leased_, 0U);
  CHECK_EQ(munmap(memory_, std::size_t{count_} * size_), 0);
}

RecvBuffers::Lease RecvBuffers::lease(BufferId id, std::uint32_t size) {
  CHECK_LT(id, count_);
  CHECK_LE(size, size_);
  CHECK(!out_[id]);
  out_[id] = true;
  ++leased_;
  high_water_ = std::max(high_water_, leased_);
  return {this, id, size};
}

void RecvBuffers::give_back(BufferId id) {
  CHECK(out_[id]);
  CHECK_GT(leased_, 0U);
  out_[id] = false;
  --leased_;
  if (ring_ != nullptr) ring_->provide_buffer(id);
}

}  // namespace millrace

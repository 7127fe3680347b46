#include "core/mem/recv_buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

namespace millrace {

RecvBuffers::RecvBuffers(std::uint32_t count, std::uint32_t size)
    : count_(count), size_(size), out_(count) {
  CHECK(std::has_single_bit(count));
  CHECK_LE(count, kMaxCount);
  CHECK_GT(size, 0U);
  // Mapped, not allocated: pages that no receive has touched yet cost nothing.
  void* mapped = mmap(nullptr, std::size_t{count_} * size_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK_NE(mapped, MAP_FAILED);
  memory_ = static_cast<char*>(mapped);
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

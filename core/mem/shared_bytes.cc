#include "core/mem/shared_bytes.h"

#include <cstring>
#include <limits>

namespace millrace {
namespace {

thread_local std::int64_t live = 0;

}  // namespace

SharedBytes SharedBytes::copy_of(Bytes bytes) {
  return make(bytes.size(), [bytes](MutableBytes out) {
    if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  });
}

std::int64_t SharedBytes::live_blocks() { return live; }

SharedBytes::Block* SharedBytes::allocate(std::size_t size) {
  CHECK_LE(size, std::numeric_limits<std::size_t>::max() - sizeof(Block));
  void* memory = ::operator new(sizeof(Block) + size);
  ++live;
  return new (memory) Block{.references = 1, .shard = internal::current_shard, .size = size};
}

void SharedBytes::free_block(Block* block) {
  CHECK_GT(live, 0);
  --live;
  const std::size_t bytes = sizeof(Block) + block->size;
  block->~Block();
  ::operator delete(block, bytes);
}

}  // namespace millrace

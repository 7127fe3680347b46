// Immutable bytes with a shard-local, non-atomic reference count.
//
// A frame is encoded once into a SharedBytes and every subscriber's send queue holds a reference to
// the same bytes. The count and the bytes are one allocation.
//
// Owner: whoever holds a reference. Shard: the one that made it (checked); it never crosses. What
// crosses is OwnedBytes. Errors: none; when memory runs out: core/mem/memory_reserve.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/shard_check.h"

namespace millrace {

class SharedBytes {
 public:
  SharedBytes() = default;
  // Copies `bytes`.
  static SharedBytes copy_of(Bytes bytes);
  // Allocates `size` bytes and lets `fill` write them, once, before anybody else sees them.
  template <typename Fill>
  static SharedBytes make(std::size_t size, Fill&& fill) {
    SharedBytes made(allocate(size));
    std::forward<Fill>(fill)(MutableBytes(made.block_->data(), size));
    return made;
  }

  SharedBytes(const SharedBytes& other) : block_(other.block_) { retain(); }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() { release(); }

  [[nodiscard]] Bytes view() const {
    return block_ ? Bytes(block_->data(), block_->size) : Bytes();
  }
  [[nodiscard]] const char* data() const { return block_ ? block_->data() : nullptr; }
  [[nodiscard]] std::size_t size() const { return block_ ? block_->size : 0; }
  [[nodiscard]] std::uint32_t references() const { return block_ ? block_->references : 0; }
  explicit operator bool() const { return block_ != nullptr; }

  // Blocks alive on this thread; tests and the simulator see leaks by it.
  static std::int64_t live_blocks();

 private:
  struct Block {
    std::uint32_t references;
    std::uint16_t shard;
    std::size_t size;
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };

  explicit SharedBytes(Block* block) : block_(block) {}
  static Block* allocate(std::size_t size);
  static void free_block(Block* block);

  void retain() {
    if (block_ == nullptr) return;
    CHECK_EQ(block_->shard, internal::current_shard);
    CHECK_LT(block_->references, UINT32_MAX);
    ++block_->references;
  }
  void release() {
    if (block_ == nullptr) return;
    CHECK_EQ(block_->shard, internal::current_shard);
    CHECK_GT(block_->references, 0U);
    if (--block_->references == 0) free_block(block_);
    block_ = nullptr;
  }

  Block* block_ = nullptr;
};

static_assert(sizeof(SharedBytes) == sizeof(void*), "a send queue entry is one pointer");

}  // namespace millrace

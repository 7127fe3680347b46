// The receive buffers of one shard: the memory behind the ring's provided-buffer group.
//
// The kernel fills a buffer and names it in a completion; the shard then holds a Lease until the
// bytes are consumed, and the buffer goes back to the ring when the Lease dies. Idle connections
// hold none. When all buffers are out, a receive ends with kNoBuffers; its connection waits in
// the owner's parking list until leased() is below count(), and is armed again at most once a
// turn, so that nobody spins on an empty group.
//
// Owner: the shard. Not thread-safe. Limits: `count` (a power of two, at most 32,768: the kernel's
// limit, io_uring_register_buf_ring(3)) buffers of `size` bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/bytes.h"
#include "core/base/result.h"

namespace millrace {

using BufferId = std::uint16_t;

// Where a returned buffer goes: the ring.
class BufferReturn {
 public:
  virtual void provide_buffer(BufferId id) = 0;

 protected:
  ~BufferReturn() = default;
};

class RecvBuffers {
 public:
  static constexpr std::uint32_t kMaxCount = 32'768;

  // A filled buffer, returned to the ring when it dies.
  class [[nodiscard]] Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_), size_(other.size_) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(id_, other.id_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~Lease() {
      if (owner_ != nullptr) owner_->give_back(id_);
    }
    [[nodiscard]] Bytes view() const {
      return owner_ ? Bytes(owner_->address(id_), size_) : Bytes();
    }
    // wslay and simdjson do not write, but unmasking in place may.
    [[nodiscard]] MutableBytes bytes() { return {owner_->address(id_), size_}; }
    explicit operator bool() const { return owner_ != nullptr; }

   private:
    friend class RecvBuffers;
    Lease(RecvBuffers* owner, BufferId id, std::uint32_t size)
        : owner_(owner), id_(id), size_(size) {}
    RecvBuffers* owner_ = nullptr;
    BufferId id_ = 0;
    std::uint32_t size_ = 0;
  };

  // REQUIRES: count is a power of two in [1, kMaxCount]; size > 0.
  static Result<std::unique_ptr<RecvBuffers>> make(std::uint32_t count, std::uint32_t size);
  // The same where there is memory: for tests.
  RecvBuffers(std::uint32_t count, std::uint32_t size);
  ~RecvBuffers();  // REQUIRES: leased() == 0
  RecvBuffers(const RecvBuffers&) = delete;
  RecvBuffers& operator=(const RecvBuffers&) = delete;

  // Set once by the ring that these buffers are registered with.
  void attach(BufferReturn& ring) { ring_ = &ring; }
  // Called by that ring when it dies; what is returned later is only counted.
  void detach() { ring_ = nullptr; }

  // Takes over buffer `id`, which the ring filled with `size` bytes. REQUIRES: not leased.
  Lease lease(BufferId id, std::uint32_t size);

  [[nodiscard]] char* address(BufferId id) { return memory_ + std::size_t{id} * size_; }
  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t leased() const { return leased_; }
  // The most that were out at once since the start.
  [[nodiscard]] std::uint32_t high_water() const { return high_water_; }

 private:
  RecvBuffers(std::uint32_t count, std::uint32_t size, char* memory);
  void give_back(BufferId id);

  const std::uint32_t count_;
  const std::uint32_t size_;
  char* memory_;  // count_ x size_, page-aligned, owned
  BufferReturn* ring_ = nullptr;
  std::vector<bool> out_;
  std::uint32_t leased_ = 0;
  std::uint32_t high_water_ = 0;
};

}  // namespace millrace

// A bounded queue from one thread to one other: single producer, single consumer, no lock.
//
// Owner: shared by the two; capacity is a power of two and constant. push() is the producer's,
// pop() and empty() the consumer's. What is in a lane when it dies is destroyed with it.
// Source of the idea: Lamport's queue with cached indices, as in folly's ProducerConsumerQueue.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

template <typename T>
class Lane {
 public:
  // REQUIRES: capacity is a power of two.
  explicit Lane(std::size_t capacity)
      : mask_(capacity - 1), cells_(std::make_unique<T[]>(capacity)) {
    CHECK_GT(capacity, 0U);
    CHECK_EQ(capacity & mask_, 0U);
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // False if the lane is full; then `item` is untouched.
  [[nodiscard]] bool push(T& item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_cache_ > mask_) {
      head_cache_ = head_.load(std::memory_order_acquire);
      if (tail - head_cache_ > mask_) return false;
    }
    cells_[tail & mask_] = std::move(item);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // False if the lane is empty.
  [[nodiscard]] bool pop(T& out) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    out = std::move(cells_[head & mask_]);
    cells_[head & mask_] = T{};
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  [[nodiscard]] bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }
  // The producer's view; the consumer may make room at any moment.
  [[nodiscard]] bool full() const {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire) > mask_;
  }
  [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }

 private:
  const std::size_t mask_;
  std::unique_ptr<T[]> cells_;
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::size_t head_cache_ = 0;  // the producer's
};

}  // namespace millrace

// A bounded queue from one thread to one other: single producer, single consumer, no lock.
//
//   front (pop) -> [ kSegment items ] -> [ ... ] -> back (push)        spare: one, on its way back
//
// Items lie in segments that are made when they are needed, so that a lane costs what waits in it:
// with 64 shards there are 4,032 lanes, and most are idle. A segment that the consumer has emptied
// goes back to the producer as its next one, if none is on that way already, and is freed if so.
//
// Owner: shared by the two. push() is the producer's, pop() and empty() the consumer's. What is in
// a lane when it dies is destroyed with it. Limit: `capacity` items.
//
// A segment's items and its link are written before tail_ is released and read after tail_ is
// acquired. A segment changes hands by the one exchange of spare_ that takes it out.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

template <typename T>
class Lane {
 public:
  static constexpr std::size_t kSegment = 16;

  // REQUIRES: capacity > 0.
  explicit Lane(std::size_t capacity) : capacity_(capacity) { CHECK_GT(capacity, 0U); }
  ~Lane() {
    for (Segment* segment = first_; segment != nullptr;) {
      const std::unique_ptr<Segment> owned(segment);
      segment = owned->next;
    }
    const std::unique_ptr<Segment> owned(spare_.load(std::memory_order_acquire));
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // False if the lane is full; then `item` is untouched.
  [[nodiscard]] bool push(T& item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_cache_ >= capacity_) {
      head_cache_ = head_.load(std::memory_order_acquire);
      if (tail - head_cache_ >= capacity_) return false;
    }
    if (tail % kSegment == 0) append_segment();
    back_->items[tail % kSegment] = std::move(item);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // False if the lane is empty.
  [[nodiscard]] bool pop(T& out) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    // The first segment has none before it.
    if (head % kSegment == 0 && head > 0) drop_first_segment();
    T& item = first_->items[head % kSegment];
    out = std::move(item);
    item = T{};
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  [[nodiscard]] bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }
  // The producer's view; the consumer may make room at any moment.
  [[nodiscard]] bool full() const {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire) >=
           capacity_;
  }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  struct Segment {
    std::array<T, kSegment> items{};
    Segment* next = nullptr;  // owned by the lane
  };

  // The producer's.
  void append_segment() {
    Segment* made = spare_.exchange(nullptr, std::memory_order_acquire);
    if (made == nullptr) made = std::make_unique<Segment>().release();
    made->next = nullptr;
    (back_ == nullptr ? first_ : back_->next) = made;
    back_ = made;
  }

  // The consumer's. The producer has gone on to the next one.
  void drop_first_segment() {
    Segment* const empty = std::exchange(first_, first_->next);
    const std::unique_ptr<Segment> second(spare_.exchange(empty, std::memory_order_acq_rel));
  }

  const std::size_t capacity_;
  alignas(64) std::atomic<std::size_t> head_{0};
  Segment* first_ = nullptr;  // the consumer's, once something is in the lane
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::size_t head_cache_ = 0;  // the producer's
  Segment* back_ = nullptr;     // the producer's
  std::atomic<Segment*> spare_{nullptr};
};

}  // namespace millrace

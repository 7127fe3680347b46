// A bounded inbox of one shard, filled by threads that are not shards (the NATS library's).
//
// The only lock in core: foreign threads hold it for one push_back, the shard for one swap a turn,
// and never while it delivers. From then on nothing on the path is shared.
//
// Owner: the shard; it must outlive the producers. Limit: `capacity` items between two takes; what
// does not fit is refused and counted, never waited for.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "core/shard/waker.h"

namespace millrace {

template <typename T>
class Inbox {
 public:
  Inbox(std::size_t capacity, Waker& waker) : capacity_(capacity), waker_(waker) {}
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Any thread's. False if the inbox is full; then `item` is untouched.
  [[nodiscard]] bool push(T& item) {
    {
      const std::lock_guard lock(mutex_);
      if (items_.size() >= capacity_) {
        ++refused_;
        return false;
      }
      items_.push_back(std::move(item));
      waiting_.store(true, std::memory_order_release);
    }
    waker_.wake();
    return true;
  }

  // The shard's: moves everything into `out`, which must be empty.
  void take(std::vector<T>& out) {
    if (!waiting()) return;
    const std::lock_guard lock(mutex_);
    items_.swap(out);
    waiting_.store(false, std::memory_order_relaxed);
  }

  [[nodiscard]] bool waiting() const { return waiting_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

 private:
  const std::size_t capacity_;
  Waker& waker_;
  std::mutex mutex_;
  std::vector<T> items_;
  std::uint64_t refused_ = 0;
  std::atomic<bool> waiting_{false};
};

}  // namespace millrace

// One coalesced wake of a shard: many threads may ask, the kernel is told at most once per sleep.
//
// The sleeper (the reactor) announces itself with about_to_sleep(), looks once more for work, and
// waits. A producer makes its work visible first and calls wake() then.
//
// No wake is lost, because each side changes asleep_ by a read-modify-write and those stand in one
// order. If the sleeper's announcement comes first, wake() reads it and tells the kernel. If wake()
// comes first, the announcement (or the awake() before it) reads what wake() wrote, and with it
// sees the work. A plain store on either side would break that chain. There is no fence, which the
// thread sanitizer would not understand.
#pragma once

#include <atomic>

#include "core/ring/ring.h"

namespace millrace {

class Waker {
 public:
  explicit Waker(Ring& ring) : ring_(ring) {}
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // The sleeper's.
  void about_to_sleep() { asleep_.exchange(true, std::memory_order_acq_rel); }
  void awake() { asleep_.exchange(false, std::memory_order_acq_rel); }

  // Any thread's: false while the sleeper sleeps and nobody has asked for it.
  [[nodiscard]] bool awake_or_asked() const { return !asleep_.load(std::memory_order_relaxed); }
  // Any thread's, after its work is visible.
  void wake() {
    if (asleep_.exchange(false, std::memory_order_acq_rel)) ring_.wake();
  }

 private:
  Ring& ring_;
  std::atomic<bool> asleep_{false};
};

}  // namespace millrace

#include "core/limit/quota.h"

#include "core/base/assert.h"

namespace millrace {

void Units::give_back() {
  if (quota_ == nullptr) return;
  // Release: what was held is gone before its room is. Pairs with the acquire in try_take().
  const std::uint64_t before = quota_->taken_.fetch_sub(count_, std::memory_order_release);
  CHECK_GE(before, count_);
  quota_ = nullptr;
  count_ = 0;
}

Quota::~Quota() { CHECK_EQ(taken(), 0U); }

Units Quota::try_take(std::uint64_t n) {
  CHECK_GT(n, 0U);
  std::uint64_t taken = taken_.load(std::memory_order_relaxed);
  do {
    // Written so that a huge `n` can't wrap around.
    if (n > limit_ - taken) return {};
  } while (!taken_.compare_exchange_weak(taken, taken + n, std::memory_order_acquire,
                                         std::memory_order_relaxed));
  return {this, n};
}

}  // namespace millrace

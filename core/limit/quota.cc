#include "core/limit/quota.h"

#include "core/base/assert.h"

namespace millrace {

void Units::add(Units more) {
  if (more.quota_ == nullptr) return;
  CHECK(quota_ == nullptr || quota_ == more.quota_);
  quota_ = std::exchange(more.quota_, nullptr);
  count_ += std::exchange(more.count_, 0);
}

void Units::give_back() { give_back(count_); }

void Units::give_back(std::uint64_t n) {
  CHECK_LE(n, count_);
  if (n == 0) return;
  // Release: what was held is gone before its room is. Pairs with the acquire in try_take().
  const std::uint64_t before = quota_->taken_.fetch_sub(n, std::memory_order_release);
  CHECK_GE(before, n);
  count_ -= n;
  if (count_ == 0) quota_ = nullptr;
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

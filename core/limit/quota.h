// A limit on things that many shards hold, exact across threads: connections.
//
// It is the one thing that shards share besides constant configuration: without it a cap could not
// be exact. What is taken is a Units, which gives back when it dies, so that no path can forget to.
//
// Owner: whoever holds the server together; must outlive its Units (checked). Any thread's.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace millrace {

class Quota;

// A part of a quota, held. Empty if it was refused.
class [[nodiscard]] Units {
 public:
  Units() = default;
  Units(Units&& other) noexcept
      : quota_(std::exchange(other.quota_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Units& operator=(Units&& other) noexcept {
    Units taken(std::move(other));  // gives back what this one held; right for itself too
    std::swap(quota_, taken.quota_);
    std::swap(count_, taken.count_);
    return *this;
  }
  ~Units() { give_back(); }

  explicit operator bool() const { return count_ > 0; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // Takes over what `more` holds. REQUIRES: both of the same quota, where neither is empty.
  void add(Units more);
  void give_back();
  // A part of them. REQUIRES: n <= count().
  void give_back(std::uint64_t n);

 private:
  friend class Quota;
  Units(Quota* quota, std::uint64_t count) : quota_(quota), count_(count) {}

  Quota* quota_ = nullptr;
  std::uint64_t count_ = 0;
};

class Quota {
 public:
  explicit Quota(std::uint64_t limit) : limit_(limit) {}
  ~Quota();  // REQUIRES: taken() == 0
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  // All `n` or, if they would exceed the limit, nothing. REQUIRES: n > 0.
  [[nodiscard]] Units try_take(std::uint64_t n = 1);

  // Never more than limit(), not even for a moment.
  [[nodiscard]] std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t limit() const { return limit_; }

 private:
  friend class Units;

  const std::uint64_t limit_;
  std::atomic<std::uint64_t> taken_{0};
};

}  // namespace millrace

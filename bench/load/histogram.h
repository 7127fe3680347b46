// Times counted in log-linear buckets: 128 to each power of two, so what it answers is at most
// 1/128 (0.8 %) above the true value and never below it. Largest and smallest are exact.
//
// Buckets are allocated with the first value: a thread that measures nothing pays nothing. Merged
// over threads by their owners, in a snapshot. Limit: kLargest; longer spans count as that long.
#pragma once

#include <cstdint>
#include <vector>

#include "core/time/instant.h"

namespace millrace::load {

class Histogram {
 public:
  static constexpr int kPrecisionBits = 7;
  static constexpr int kLargestBits = 42;
  static constexpr std::uint64_t kLargest = (std::uint64_t{1} << kLargestBits) - 1;  // 73 minutes

  // A span that is negative, because two clocks were read apart, counts as 0.
  void record(Duration span);
  void merge(const Histogram& other);
  void clear() { *this = Histogram(); }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Duration min() const { return Duration{static_cast<std::int64_t>(min_)}; }
  [[nodiscard]] Duration max() const { return Duration{static_cast<std::int64_t>(max_)}; }
  [[nodiscard]] Duration mean() const;
  // The least value that `share` of all are not above: 0.5 is the median. 0 if there are none.
  [[nodiscard]] Duration quantile(double share) const;

 private:
  static std::size_t bucket_of(std::uint64_t ns);
  static std::uint64_t highest_in(std::size_t bucket);

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace millrace::load

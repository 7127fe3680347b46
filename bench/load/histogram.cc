#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace millrace::load {
namespace {

constexpr std::uint64_t kPerOctave = std::uint64_t{1} << Histogram::kPrecisionBits;
// Below kPerOctave each value has a bucket of its own; each octave above has kPerOctave.
constexpr std::size_t kBuckets =
    kPerOctave * (1 + Histogram::kLargestBits - Histogram::kPrecisionBits);

}  // namespace

std::size_t Histogram::bucket_of(std::uint64_t ns) {
  if (ns < kPerOctave) return ns;
  const auto octave = static_cast<unsigned>(std::bit_width(ns)) - 1 -
                      kPrecisionBits;  // 0: [kPerOctave, 2 kPerOctave)
  return kPerOctave * octave + (ns >> octave);
}

std::uint64_t Histogram::highest_in(std::size_t bucket) {
  if (bucket < kPerOctave) return bucket;
  const std::uint64_t octave = bucket / kPerOctave - 1;
  const std::uint64_t lowest = (bucket - kPerOctave * octave) << octave;
  return lowest + (std::uint64_t{1} << octave) - 1;
}

void Histogram::record(Duration span) {
  const auto positive = static_cast<std::uint64_t>(std::max<std::int64_t>(span.ns, 0));
  const std::uint64_t ns = std::min(positive, kLargest);
  if (buckets_.empty()) buckets_.resize(kBuckets);
  ++buckets_[bucket_of(ns)];
  min_ = count_ == 0 ? ns : std::min(min_, ns);
  max_ = std::max(max_, ns);
  ++count_;
  sum_ += ns;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (buckets_.empty()) buckets_.resize(kBuckets);
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
}

Duration Histogram::mean() const {
  return Duration{count_ == 0 ? 0 : static_cast<std::int64_t>(sum_ / count_)};
}

Duration Histogram::quantile(double share) const {
  if (count_ == 0) return {};
  const double wanted = std::ceil(share * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) {
      return Duration{static_cast<std::int64_t>(std::clamp(highest_in(bucket), min_, max_))};
    }
  }
  return max();
}

}  // namespace millrace::load

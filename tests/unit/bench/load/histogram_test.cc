#include "bench/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/base/random.h"

namespace millrace::load {
namespace {

TEST(Histogram, AnEmptyOneAnswersZero) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0U);
  EXPECT_EQ(empty.quantile(0.5).ns, 0);
  EXPECT_EQ(empty.max().ns, 0);
  EXPECT_EQ(empty.mean().ns, 0);
}

TEST(Histogram, OneValueIsEveryQuantile) {
  Histogram one;
  one.record(microseconds(777));
  for (const double share : {0.0, 0.5, 0.9999, 1.0}) {
    EXPECT_EQ(one.quantile(share), microseconds(777)) << share;
  }
}

TEST(Histogram, NeverBelowTheTrueValueAndAtMostAHundredthAbove) {
  Random random(7);
  for (int bits = 1; bits <= Histogram::kLargestBits; ++bits) {
    for (int i = 0; i < 200; ++i) {
      const auto low = std::int64_t{1} << (bits - 1);
      const auto value =
          low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(low)));
      Histogram two;
      two.record(nanoseconds(value));
      two.record(Duration{static_cast<std::int64_t>(Histogram::kLargest)});
      const double answer = static_cast<double>(two.quantile(0.5).ns);
      ASSERT_GE(answer, static_cast<double>(value));
      ASSERT_LE(answer, static_cast<double>(value) * 1.01);
    }
  }
}

// Against sorting all values, which is what a histogram stands for.
TEST(Histogram, QuantilesOfAMillionAreThoseOfTheSortedValues) {
  Random random(11);
  Histogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 1'000'000; ++i) {
    const double exponent = static_cast<double>(random.below(1'000'000)) / 1'000'000 * 9;
    values.push_back(static_cast<std::int64_t>(std::pow(10, exponent)));
    histogram.record(nanoseconds(values.back()));
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * 1e6)) - 1;
    const double exact = static_cast<double>(values[rank]);
    const double answer = static_cast<double>(histogram.quantile(share).ns);
    EXPECT_GE(answer, exact) << share;
    EXPECT_LE(answer, exact * 1.01) << share;
  }
  EXPECT_EQ(histogram.max().ns, values.back());
  EXPECT_EQ(histogram.min().ns, values.front());
}

TEST(Histogram, OutsideItsRangeItHoldsTheEnds) {
  Histogram histogram;
  histogram.record(nanoseconds(-5));
  histogram.record(seconds(100'000));
  EXPECT_EQ(histogram.min().ns, 0);
  EXPECT_EQ(histogram.max().ns, static_cast<std::int64_t>(Histogram::kLargest));
  EXPECT_EQ(histogram.quantile(1), histogram.max());
}

TEST(Histogram, MergedIsAsIfRecordedInOne) {
  Histogram a;
  Histogram b;
  Histogram both;
  for (int i = 1; i <= 1'000; ++i) {
    (i % 3 == 0 ? a : b).record(microseconds(i));
    both.record(microseconds(i));
  }
  Histogram merged;
  merged.merge(Histogram());
  merged.merge(a);
  merged.merge(b);
  EXPECT_EQ(merged.count(), 1'000U);
  EXPECT_EQ(merged.mean(), both.mean());
  for (const double share : {0.01, 0.5, 0.99}) {
    EXPECT_EQ(merged.quantile(share), both.quantile(share));
  }
  EXPECT_EQ(merged.min(), microseconds(1));
  EXPECT_EQ(merged.max(), microseconds(1'000));
}

}  // namespace
}  // namespace millrace::load

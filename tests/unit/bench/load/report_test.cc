#include "bench/load/report.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

TEST(Report, AddsUp) {
  Report a;
  a.attempts = 1;
  a.connect_errors["x"] = 1;
  a.closes[3008] = 2;
  a.sequences.holes = 1;
  a.delivery.record(milliseconds(1));
  Report b;
  b.attempts = 2;
  b.connect_errors["x"] = 4;
  b.connect_errors["y"] = 1;
  b.retry_after[5] = 7;
  b.unsent = 3;
  b.delivery.record(milliseconds(3));
  a.add(b);
  EXPECT_EQ(a.attempts, 3U);
  EXPECT_EQ(a.connect_errors.at("x"), 5U);
  EXPECT_EQ(a.failed(), 6U);
  EXPECT_EQ(sum_of(a.closes), 2U);
  EXPECT_EQ(a.retry_after.at(5), 7U);
  EXPECT_EQ(a.unsent, 3U);
  EXPECT_EQ(a.sequences.holes, 1U);
  EXPECT_EQ(a.delivery.count(), 2U);
  EXPECT_EQ(a.delivery.max(), milliseconds(3));
}

}  // namespace
}  // namespace millrace::load

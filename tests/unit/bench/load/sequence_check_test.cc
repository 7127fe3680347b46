#include "bench/load/sequence_check.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

class SequenceCheckTest : public testing::Test {
 protected:
  SequenceCheckTest() { check_.resize(2); }
  void take(std::initializer_list<std::uint32_t> numbers) {
    for (const std::uint32_t number : numbers) check_.take(0, number);
  }
  SequenceCheck check_;
};

TEST_F(SequenceCheckTest, InOrderIsFine) {
  take({1, 2, 3});
  const SequenceCounts counts = check_.take_counts();
  EXPECT_EQ(counts.in_order, 3U);
  EXPECT_EQ(counts.holes + counts.duplicates + counts.out_of_order, 0U);
}

TEST_F(SequenceCheckTest, WhatIsJumpedOverIsMissingFromTheFirstOn) {
  take({3, 4, 7});
  EXPECT_EQ(check_.take_counts().holes, 4U);  // 1, 2, 5, 6
}

TEST_F(SequenceCheckTest, TheSameOnceMoreIsADuplicateAndNotNew) {
  EXPECT_TRUE(check_.take(0, 1));
  EXPECT_FALSE(check_.take(0, 1));
  const SequenceCounts counts = check_.take_counts();
  EXPECT_EQ(counts.duplicates, 1U);
  EXPECT_EQ(counts.in_order, 1U);
}

TEST_F(SequenceCheckTest, ASmallerOneIsOutOfOrder) {
  take({1, 3, 2, 4});
  const SequenceCounts counts = check_.take_counts();
  EXPECT_EQ(counts.out_of_order, 1U);
  EXPECT_EQ(counts.holes, 1U);
  EXPECT_EQ(counts.in_order, 3U);
}

TEST_F(SequenceCheckTest, StreamsAreApart) {
  check_.take(0, 1);
  check_.take(1, 1);
  EXPECT_EQ(check_.take_counts().in_order, 2U);
}

TEST_F(SequenceCheckTest, AfterAnAbsenceAnyNumberIsRightAndThenOrderCountsAgain) {
  take({1, 2});
  check_.forgive(0);
  take({9, 10, 12});
  const SequenceCounts counts = check_.take_counts();
  EXPECT_EQ(counts.in_order, 5U);
  EXPECT_EQ(counts.holes, 1U);
}

TEST_F(SequenceCheckTest, WhatIsMissingAtTheEndIsAHoleOnce) {
  take({1, 2});
  check_.finish(0, 5);
  check_.finish(0, 5);
  check_.finish(1, 5);
  EXPECT_EQ(check_.take_counts().holes, 3U + 5U);
  check_.take(0, 6);
  EXPECT_EQ(check_.take_counts().holes, 0U);
}

TEST_F(SequenceCheckTest, WhoIsForgivenIsNotJudgedAtTheEnd) {
  check_.forgive(0);
  check_.finish(0, 5);
  EXPECT_EQ(check_.take_counts().holes, 0U);
}

TEST_F(SequenceCheckTest, CountsAreTakenOnce) {
  take({1});
  EXPECT_EQ(check_.take_counts().in_order, 1U);
  EXPECT_EQ(check_.take_counts().in_order, 0U);
}

}  // namespace
}  // namespace millrace::load

#include "core/base/assert.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace millrace {
namespace {

enum class Colour : std::uint8_t { kRed = 3, kBlue = 7 };

TEST(Check, PassesSilently) {
  CHECK(true);
  CHECK_EQ(1, 1);
  CHECK_NE(1, 2);
  CHECK_LT(1, 2);
  CHECK_LE(2, 2);
  CHECK_GT(2, 1);
  CHECK_GE(2, 2);
}

TEST(Check, EvaluatesEachSideOnce) {
  int left = 0;
  int right = 0;
  CHECK_EQ(++left, ++right);
  CHECK(++left == 2);
  EXPECT_EQ(left, 2);
  EXPECT_EQ(right, 1);
}

// An `else` after a CHECK without braces must belong to the reader's `if`.
TEST(Check, IsOneStatement) {
  bool reached = false;
  if (reached)
    CHECK(false);
  else
    reached = true;
  EXPECT_TRUE(reached);
}

TEST(CheckDeathTest, TellsFileConditionAndLine) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "assert_test\\.cc:[0-9]+: CHECK failed: 1 \\+ 1 == 3");
}

TEST(CheckDeathTest, PrintsBothValues) {
  const int seven = 7;
  const std::string name = "mill";
  EXPECT_DEATH(CHECK_EQ(seven, 8), "CHECK failed: seven == 8 with 7 and 8");
  EXPECT_DEATH(CHECK_NE(seven, 7), "seven != 7 with 7 and 7");
  EXPECT_DEATH(CHECK_LT(seven, 7), "seven < 7 with 7 and 7");
  EXPECT_DEATH(CHECK_LE(seven, 6), "seven <= 6 with 7 and 6");
  EXPECT_DEATH(CHECK_GT(seven, 7), "seven > 7 with 7 and 7");
  EXPECT_DEATH(CHECK_GE(seven, 8), "seven >= 8 with 7 and 8");
  EXPECT_DEATH(CHECK_EQ(name, "race"), "with mill and race");
}

TEST(CheckDeathTest, PrintsBytesAndEnumsAsNumbers) {
  const std::uint8_t byte = 65;
  const std::int8_t small = -1;
  const int* null = nullptr;
  EXPECT_DEATH(CHECK_EQ(byte, std::uint8_t{66}), "with 65 and 66");
  EXPECT_DEATH(CHECK_EQ(small, std::int8_t{1}), "with -1 and 1");
  EXPECT_DEATH(CHECK_EQ(Colour::kRed, Colour::kBlue), "with 3 and 7");
  EXPECT_DEATH(CHECK_NE(null, nullptr), "with 0 and nullptr");
}

// Debug builds check, release builds do not even evaluate.
TEST(CheckDeathTest, DcheckInDebugOnly) {
#ifdef NDEBUG
  int evaluated = 0;
  DCHECK(++evaluated == 0);
  EXPECT_EQ(evaluated, 0);
#else
  EXPECT_DEATH(DCHECK(false), "CHECK failed: false");
#endif
}

}  // namespace
}  // namespace millrace

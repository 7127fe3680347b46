#include "core/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace millrace {
namespace {

enum class Cause { kNone, kLate, kEarly };

Result<int> half(int n) {
  if (n % 2 != 0) return Error{"an odd number has no half; give an even one"};
  return n / 2;
}

TEST(Result, Value) {
  Result<int> result = half(8);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.value(), 4);
  EXPECT_EQ(*result, 4);
  *result = 5;
  const Result<int>& same = result;
  EXPECT_EQ(same.value(), 5);
  EXPECT_EQ(*same, 5);
}

TEST(Result, ErrorWithItsText) {
  const Result<int> result = half(7);
  EXPECT_FALSE(result.ok());
  EXPECT_FALSE(static_cast<bool>(result));
  EXPECT_EQ(result.error().text, "an odd number has no half; give an even one");
}

TEST(Result, MembersThroughAnArrow) {
  Result<std::string> result = std::string("mill");
  EXPECT_EQ(result->size(), 4U);
  const Result<std::string>& same = result;
  EXPECT_EQ(same->size(), 4U);
}

TEST(Result, MoveOnlyValue) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> taken = std::move(*result);
  EXPECT_EQ(*taken, 3);
}

TEST(Result, AnEnumAsError) {
  const Result<int, Cause> late = Cause::kLate;
  EXPECT_FALSE(late.ok());
  EXPECT_EQ(late.error(), Cause::kLate);
}

// The index decides, not the type.
TEST(Result, ErrorOfAFalseLookingValue) {
  const Result<int, Cause> zero = 0;
  EXPECT_TRUE(zero.ok());
  const Result<std::string> empty = std::string();
  EXPECT_TRUE(empty.ok());
  const Result<void, Cause> none = Cause::kNone;
  EXPECT_FALSE(none.ok());
}

TEST(Result, OfAnEffect) {
  const Result<void> done;
  EXPECT_TRUE(done.ok());
  EXPECT_TRUE(static_cast<bool>(done));
  const Result<void> failed = Error{"the disk is full; make room"};
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().text, "the disk is full; make room");
}

TEST(ResultDeathTest, TheWrongSideIsCaught) {
  Result<int> good = 1;
  Result<int> bad = Error{"x"};
  const Result<void> done;
  EXPECT_DEATH(static_cast<void>(good.error()), "CHECK failed: !ok");
  EXPECT_DEATH(static_cast<void>(bad.value()), "CHECK failed: ok");
  EXPECT_DEATH(static_cast<void>(*bad), "CHECK failed: ok");
  EXPECT_DEATH(static_cast<void>(done.error()), "CHECK failed: !ok_");
}

}  // namespace
}  // namespace millrace

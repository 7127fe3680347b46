#include "net/machine/limit_row.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

Fact fact(std::uint64_t value) { return Fact(std::array<std::uint64_t, 1>{value}); }

Fact unread(Reading reading) {
  Fact fact;
  fact.reading = reading;
  return fact;
}

TEST(LimitRow, GroupsNumbers) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(100'000), "100,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(LimitRow, WritesBytesInAUnitThatFits) {
  EXPECT_EQ(bytes_text(std::uint64_t{0}), "0 B");
  EXPECT_EQ(bytes_text(std::uint64_t{1'023}), "1023 B");
  EXPECT_EQ(bytes_text(std::uint64_t{1'024}), "1.0 KiB");
  EXPECT_EQ(bytes_text((std::uint64_t{1} << 20) - 1), "1.0 MiB");
  EXPECT_EQ(bytes_text(std::uint64_t{3} << 29), "1.5 GiB");
  EXPECT_EQ(bytes_text(kUnlimited), "unlimited");
  EXPECT_EQ(bytes_text(kUnlimited - 1), "16777216.0 TiB");
}

TEST(LimitRow, SaysWhyAFactIsNotKnown) {
  EXPECT_EQ(fact_text(fact(4'096)), "4,096");
  EXPECT_EQ(fact_text(fact(kUnlimited)), "unlimited");
  EXPECT_EQ(fact_text(unread(Reading::kMissing)), "not there");
  EXPECT_EQ(fact_text(unread(Reading::kUnreadable)), "not readable");
}

TEST(LimitRow, OfASettingIsJudgedAtItsEdge) {
  const RowText text{.name = "a.b", .unit = "things", .formula = "f", .consequence = "c"};
  for (const std::uint64_t found : {9U, 10U, 11U}) {
    const LimitRow row =
        at_least(text, fact(found), 10, Verdict::kWarning, sysctl_command(text.name, 10));
    EXPECT_EQ(row.verdict, found < 10 ? Verdict::kWarning : Verdict::kOk) << found;
    EXPECT_EQ(row.fix, found < 10 ? "sysctl -w a.b=10" : "");
    EXPECT_EQ(row.found_value, found);
    EXPECT_EQ(row.needed_value, 10U);
    EXPECT_FALSE(row.holds);
  }
  for (const Reading reading : {Reading::kMissing, Reading::kUnreadable}) {
    const LimitRow row = at_least(text, unread(reading), 10, Verdict::kTooLow, "x");
    EXPECT_EQ(row.verdict, Verdict::kUnknown);
    EXPECT_EQ(row.fix, "");
    EXPECT_FALSE(row.found_value);
  }
}

}  // namespace
}  // namespace millrace

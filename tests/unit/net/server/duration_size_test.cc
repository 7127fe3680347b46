#include "net/server/duration_size.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(DurationSize, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("0ms"), milliseconds(0));
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("10s"), seconds(10));
  EXPECT_EQ(parse_duration("5m"), seconds(300));
  EXPECT_EQ(parse_duration("2h"), seconds(7200));
  EXPECT_EQ(parse_size("0B"), 0);
  EXPECT_EQ(parse_size("7B"), 7);
  EXPECT_EQ(parse_size("64KiB"), 65'536);
  EXPECT_EQ(parse_size("3MiB"), 3'145'728);
  EXPECT_EQ(parse_size("1GiB"), 1'073'741'824);
}

TEST(DurationSize, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "5.5s", "5S", "5sec",
                           "5m30s", "0x5s", "5KiB", "1e3ms", "5\xc2\xb5s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_FALSE(parse_duration(std::string_view("5s\0", 3)));
}

TEST(DurationSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "64", "KiB", "64 KiB", "64KB", "64kib", "64K", "-1B", "1.5MiB", "5s",
                           "64KiBB", "1TiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(DurationSize, RefusesWhatDoesNotFit) {
  // 2^63 - 1 ns is 9,223,372,036,854 ms and a part of one.
  EXPECT_EQ(parse_duration("9223372036854ms"), milliseconds(9'223'372'036'854));
  EXPECT_FALSE(parse_duration("9223372036855ms"));
  EXPECT_FALSE(parse_duration("99999999999999999999s"));
  EXPECT_EQ(parse_size("9223372036854775807B"), INT64_MAX);
  EXPECT_FALSE(parse_size("9223372036854775808B"));
  EXPECT_EQ(parse_size("8589934591GiB"), 8'589'934'591 * (std::int64_t{1} << 30));
  EXPECT_FALSE(parse_size("8589934592GiB"));
}

TEST(DurationSize, WritesTheShortestTextThatReadsBack) {
  EXPECT_EQ(duration_text(milliseconds(0)), "0ms");
  EXPECT_EQ(duration_text(milliseconds(1500)), "1500ms");
  EXPECT_EQ(duration_text(seconds(60)), "1m");
  EXPECT_EQ(duration_text(seconds(61)), "61s");
  EXPECT_EQ(duration_text(seconds(7200)), "2h");
  EXPECT_EQ(size_text(0), "0B");
  EXPECT_EQ(size_text(1023), "1023B");
  EXPECT_EQ(size_text(1024), "1KiB");
  EXPECT_EQ(size_text(1025), "1025B");
  EXPECT_EQ(size_text(std::int64_t{1} << 40), "1024GiB");
  for (const std::int64_t ms : {1, 999, 1000, 59'000, 60'000, 3'599'999, 3'600'000}) {
    EXPECT_EQ(parse_duration(duration_text(milliseconds(ms))), milliseconds(ms));
    EXPECT_EQ(parse_size(size_text(ms)), ms);
  }
}

}  // namespace
}  // namespace millrace

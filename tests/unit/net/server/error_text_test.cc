#include "net/server/error_text.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(ErrorText, StaysOnOneLineOfAscii) {
  EXPECT_EQ(printable("a b~"), "a b~");
  EXPECT_EQ(printable("a\r\nb\x7f\x1b[2J"), "a\\x0d\\x0ab\\x7f\\x1b[2J");
  EXPECT_EQ(printable("\xc3\xa9"), "\\xc3\\xa9");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(in_quotes("x"), "\"x\"");
}

TEST(ErrorText, CutsAtItsLimit) {
  const std::string full(kMaxQuoted, 'a');
  EXPECT_EQ(printable(full.substr(1)), full.substr(1));
  EXPECT_EQ(printable(full), full);
  EXPECT_EQ(printable(full + "a"), full + "...");
  EXPECT_EQ(printable("abc", 2), "ab...");
}

TEST(ErrorText, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", "abc"), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("sevre", "serve"), 1U) << "a swap is one edit";
  EXPECT_EQ(edit_distance("ab", "ba"), 1U);
  EXPECT_EQ(edit_distance("listen", "lisen"), 1U);
}

TEST(ErrorText, CountsEditsOfBoundedTexts) {
  const std::string huge(1 << 20, 'x');
  EXPECT_EQ(edit_distance(huge, ""), kMaxQuoted);
  EXPECT_EQ(edit_distance(huge, huge + "y"), 0U);
  EXPECT_EQ(edit_distance(std::string(kMaxQuoted, 'a'), std::string(kMaxQuoted, 'b')), kMaxQuoted);
}

TEST(ErrorText, FindsTheNearest) {
  EXPECT_EQ(nearest_name("admn", {"listen", "admin", "shards"}), "admin");
  EXPECT_EQ(nearest_name("b", {"c", "a"}), "c") << "the first of equals";
}

}  // namespace
}  // namespace millrace

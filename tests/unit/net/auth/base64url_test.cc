#include "net/auth/base64url.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Base64url, GoesThereAndBack) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i * 37 + size));
    std::string back = "left over";
    ASSERT_TRUE(decode_base64url(encode_base64url(bytes), back));
    EXPECT_EQ(back, bytes);
  }
  EXPECT_EQ(encode_base64url("\xfb\xff"), "-_8");
}

TEST(Base64url, RefusesASecondTextForTheSameBytes) {
  std::string out;
  for (const Bytes text :
       {"A", "AAAAA", "AA==", "AAA=", "AB", "AAB", "A+AA", "A/AA", "AA A", "AAA\n", "AA\xc3\xa4"}) {
    EXPECT_FALSE(decode_base64url(text, out)) << text;
  }
}

TEST(Base64, IsPaddedAndPlain) {
  std::string out;
  EXPECT_TRUE(decode_base64("", out));
  EXPECT_TRUE(decode_base64("+/8=", out));
  EXPECT_EQ(out, "\xfb\xff");
  EXPECT_TRUE(decode_base64("AA==", out));
  for (const Bytes text : {"AA", "AAA", "=", "====", "A===", "-_8=", "AB==", "AA=A", "AA==AA=="}) {
    EXPECT_FALSE(decode_base64(text, out)) << text;
  }
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("\xfb\xff"), "+/8=");
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes.push_back(static_cast<char>(i * 7));
    ASSERT_TRUE(decode_base64(encode_base64(bytes), out)) << i;
    EXPECT_EQ(out, bytes);
  }
}

}  // namespace
}  // namespace millrace

#include "core/base/uuid.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <set>
#include <string>

namespace millrace {
namespace {

TEST(Uuid, IsVersion4AndDiffers) {
  Random random(1);
  std::set<std::string> seen;
  std::set<char> variants;
  for (int i = 0; i < 1'000; ++i) {
    const std::string text(Uuid::random(random).text().view());
    ASSERT_EQ(text.size(), 36U);
    for (std::size_t at = 0; at < text.size(); ++at) {
      const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
      ASSERT_EQ(text[at] == '-', dash) << text;
      ASSERT_NE(std::string("0123456789abcdef-").find(text[at]), std::string::npos) << text;
    }
    EXPECT_EQ(text[14], '4');
    variants.insert(text[19]);
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 1'000U);
  EXPECT_EQ(variants, (std::set<char>{'8', '9', 'a', 'b'}));
}

TEST(Uuid, EveryFreeDigitTakesEveryValue) {
  Random random(2);
  std::array<std::set<char>, 36> digits;
  for (int i = 0; i < 1'000; ++i) {
    const Uuid::Text text = Uuid::random(random).text();
    for (std::size_t at = 0; at < digits.size(); ++at) digits[at].insert(text.view()[at]);
  }
  for (std::size_t at = 0; at < digits.size(); ++at) {
    const bool fixed = at == 8 || at == 13 || at == 14 || at == 18 || at == 23;
    EXPECT_EQ(digits[at].size(), fixed ? 1U : at == 19 ? 4U : 16U) << at;
  }
}

TEST(Uuid, NoneIsNone) {
  Random random(3);
  EXPECT_TRUE(Uuid().none());
  EXPECT_EQ(Uuid().text().view(), "00000000-0000-0000-0000-000000000000");
  const Uuid one = Uuid::random(random);
  EXPECT_FALSE(one.none());
  EXPECT_EQ(one, one);
  EXPECT_FALSE(one == Uuid::random(random));
}

}  // namespace
}  // namespace millrace

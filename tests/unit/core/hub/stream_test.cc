#include "core/hub/stream.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

#include "core/base/random.h"

namespace millrace {
namespace {

TEST(Epoch, ComesBackFromItsText) {
  Random random(1);
  std::set<std::string> texts;
  for (int i = 0; i < 1'000; ++i) {
    const Epoch epoch = Epoch::of_bits(random.next());
    EXPECT_FALSE(epoch.none());
    EXPECT_EQ(epoch.text().size(), Epoch::kLetters);
    EXPECT_EQ(Epoch::parse(epoch.text()), epoch);
    texts.insert(std::string(epoch.text()));
  }
  EXPECT_EQ(texts.size(), 1'000U);
  for (const std::uint64_t bits : {std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max()}) {
    EXPECT_FALSE(Epoch::of_bits(bits).none()) << "never none";
  }
}

TEST(Epoch, NoneHasNoText) {
  EXPECT_TRUE(Epoch().none());
  EXPECT_EQ(Epoch().text(), "");
  EXPECT_EQ(Epoch::parse(""), Epoch());
}

TEST(Epoch, OthersTextsAreNone) {
  for (const Bytes text : {"a", "abcdefg", "abcdefghi", "abcdefg1", "abcdefg ", "abcdef\xc3\xa4",
                           "0abcdefg", "{abcdefg", "@ABCDEFG", "[ABCDEFG", "`abcdefg"}) {
    EXPECT_EQ(Epoch::parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(Epoch::parse(Bytes("abcdefg\0", 8)), std::nullopt);
  EXPECT_TRUE(Epoch::parse("azAZbyBY").has_value());
}

TEST(StreamOptions, SaysWhetherAnythingIsKept) {
  EXPECT_FALSE(StreamOptions{}.kept());
  EXPECT_FALSE((StreamOptions{.age = seconds(1), .meta_age = seconds(1)}.kept()));
  EXPECT_TRUE(StreamOptions{.size = 1}.kept());
}

}  // namespace
}  // namespace millrace

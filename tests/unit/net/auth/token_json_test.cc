#include "net/auth/token_json.h"

#include <gtest/gtest.h>

#include "proto/json_text.h"

namespace millrace {
namespace {

TEST(JsonObject, FindsMembersByTheirUnescapedNames) {
  JsonObject object;
  ASSERT_TRUE(object.read(R"( {"a":1,"\u0062":[2, {"c":3}] , "":"x"} )", 3));
  EXPECT_EQ(object.size(), 3U);
  EXPECT_EQ(object.find("a"), "1");
  EXPECT_EQ(object.find("b"), R"([2, {"c":3}])");
  EXPECT_EQ(object.find(""), "\"x\"");
  EXPECT_FALSE(object.find("c").has_value());
  ASSERT_TRUE(object.read("{}", 0));
  EXPECT_FALSE(object.find("a").has_value());
}

TEST(JsonObject, RefusesDuplicatesTooManyAndOtherTypes) {
  JsonObject object;
  EXPECT_FALSE(object.read(R"({"a":1,"a":1})", 9));
  EXPECT_FALSE(object.read(R"({"a":1,"\u0061":1})", 9));
  EXPECT_FALSE(object.read(R"({"a":1,"b":1})", 1));
  for (const Bytes text : {"[]", "1", "null", "\"{}\""}) EXPECT_FALSE(object.read(text, 9)) << text;
}

TEST(JsonElements, WalksOverEverything) {
  JsonElements list("[ 1 ,\"a,]\\\"\" , [2,[3]],{\"x\":[4]} ,null ]");
  for (const Bytes value : {"1", "\"a,]\\\"\"", "[2,[3]]", "{\"x\":[4]}", "null"}) {
    ASSERT_TRUE(list.next());
    EXPECT_EQ(list.value(), value);
  }
  EXPECT_FALSE(list.next());
  EXPECT_FALSE(JsonElements("[]").next());
  EXPECT_FALSE(JsonElements("[ ]").next());
}

TEST(TokenJson, TimesAreWholeSecondsOfThisAge) {
  EXPECT_EQ(json_time("0", Fraction::kCut), 0);
  EXPECT_EQ(json_time("1800000000", Fraction::kRaise), 1'800'000'000);
  EXPECT_EQ(json_time("1.8e9", Fraction::kCut), 1'800'000'000);
  EXPECT_EQ(json_time("9.5", Fraction::kCut), 9);
  EXPECT_EQ(json_time("9.5", Fraction::kRaise), 10);
  EXPECT_EQ(json_time("253402300799", Fraction::kRaise), kLatestTokenTime);
  for (const Bytes value : {"253402300800", "-1", "-0", "1e400", "9223372036854775808", "\"1\"",
                            "null", "true", "[]"}) {
    EXPECT_FALSE(json_time(value, Fraction::kCut).has_value()) << value;
  }
}

TEST(TokenJson, StringsBoolsAndLines) {
  EXPECT_EQ(json_string("\"a\\n\""), "a\n");
  EXPECT_FALSE(json_string("1").has_value());
  EXPECT_FALSE(json_string("null").has_value());
  EXPECT_EQ(json_bool("true"), true);
  EXPECT_EQ(json_bool("false"), false);
  EXPECT_FALSE(json_bool("1").has_value());
  EXPECT_EQ(json_one_line("{\"a\":\r\n1}"), "{\"a\":1}");
  EXPECT_EQ(json_one_line("null"), "");
}

}  // namespace
}  // namespace millrace

#include "proto/json_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using std::string_literals::operator""s;

std::string nested(std::size_t depth, const std::string& open, const std::string& close) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i) out += open;
  out += "1";
  for (std::size_t i = 0; i < depth; ++i) out += close;
  return out;
}

TEST(JsonValidatorTest, TakesEveryKindOfValue) {
  JsonValidator validator;
  for (const std::string& text : {"{}"s,
                                  "[]"s,
                                  "\"\""s,
                                  "\"a\""s,
                                  "0"s,
                                  "-0"s,
                                  "-1.5e+10"s,
                                  "1E5"s,
                                  "true"s,
                                  "false"s,
                                  "null"s,
                                  " \t\r\n1 \t\r\n"s,
                                  "[1,2]"s,
                                  "{\"a\":{\"b\":[]}}"s,
                                  "{\"a\":1,\"a\":2}"s,
                                  "1e400"s,
                                  "-1e-9999"s,
                                  "123456789012345678901234567890"s,
                                  "[\"\\ud83d\\ude00\"]"s,
                                  "\"\\uDBFF\\uDFFF\""s,
                                  "\"\\u0000\""s,
                                  "\"\x7f\""s,
                                  "\"\xf4\x8f\xbf\xbf\""s,
                                  std::string(5'000, '7')}) {
    EXPECT_TRUE(validator.valid(text)) << text;
  }
}

TEST(JsonValidatorTest, RefusesWhatIsNotOneValue) {
  JsonValidator validator;
  for (const std::string& text : {""s,
                                  " "s,
                                  "\n"s,
                                  "1 2"s,
                                  "1,2"s,
                                  "{}{}"s,
                                  "{} {}"s,
                                  "[]]"s,
                                  "{}}"s,
                                  "1]"s,
                                  "1],[2"s,
                                  "]["s,
                                  "],["s,
                                  "]"s,
                                  ","s,
                                  "[1,]"s,
                                  "[,1]"s,
                                  "[1 2]"s,
                                  "{\"a\"}"s,
                                  "{\"a\":}"s,
                                  "{\"a\":1,}"s,
                                  "{,}"s,
                                  "{1:2}"s,
                                  "{a:1}"s,
                                  "{\"a\":1 \"b\":2}"s,
                                  "{\"a\" 1}"s,
                                  "[\"a\":1]"s,
                                  "{\"a\",\"b\"}"s,
                                  "[}"s,
                                  "{]"s,
                                  "[1}"s,
                                  "{\"a\":1]"s,
                                  "'a'"s,
                                  "nul"s,
                                  "nulll"s,
                                  "True"s,
                                  "truefalse"s,
                                  "true\"a\""s,
                                  "\"a\"true"s,
                                  "\"a\"\"b\""s,
                                  "NaN"s,
                                  "Infinity"s,
                                  "undefined"s,
                                  "/**/1"s,
                                  "1//"s,
                                  "\\\"a\""s,
                                  "\"a"s,
                                  "a\""s,
                                  "\""s}) {
    EXPECT_FALSE(validator.valid(text)) << text;
  }
}

TEST(JsonValidatorTest, RefusesOtherSpellingsOfNumbers) {
  JsonValidator validator;
  for (const std::string& text : {"01"s,   "-01"s,   "00"s,  "+1"s,  "-"s,   "--1"s,   ".5"s,
                                  "1."s,   "1.e5"s,  "-.5"s, "1e"s,  "1e+"s, "1e+-1"s, "1e1.5"s,
                                  "0x10"s, "1_000"s, "1a"s,  "1\0"s, "- 1"s, "1.2.3"s, "1ee5"s}) {
    EXPECT_FALSE(validator.valid(text)) << text;
    EXPECT_FALSE(validator.valid("[" + text + "]")) << text;
    EXPECT_FALSE(validator.valid("{\"a\":" + text + "}")) << text;
  }
}

TEST(JsonValidatorTest, RefusesBadStrings) {
  JsonValidator validator;
  for (const std::string& inner : {"\n"s,
                                   "\r"s,
                                   "\t"s,
                                   "\0"s,
                                   "\x1f"s,
                                   "\\x"s,
                                   "\\"s,
                                   "\\u"s,
                                   "\\u12"s,
                                   "\\u12g4"s,
                                   "\\U0041"s,
                                   "\\ud800"s,
                                   "\\udc00"s,
                                   "\\udfff"s,
                                   "\\ud800\\ud800"s,
                                   "\\ud800x"s,
                                   "\\ud800\\n"s,
                                   "\\udc00\\ud800"s,
                                   "\\udc00\\udc00"s,
                                   "\\ud83d\\u0041"s,
                                   "\\ud83d\\ude0"s,
                                   "\x80"s,
                                   "\xc0\x80"s,
                                   "\xc1\xbf"s,
                                   "\xe0\x80\x80"s,
                                   "\xe0\x9f\xbf"s,
                                   "\xf0\x80\x80\x80"s,
                                   "\xf0\x8f\xbf\xbf"s,
                                   "\xed\xa0\x80"s,
                                   "\xed\xbf\xbf"s,
                                   "\xf4\x90\x80\x80"s,
                                   "\xf5\x80\x80\x80"s,
                                   "\xff"s,
                                   "\xc3"s,
                                   "\xe2\x82"s,
                                   "\xf0\x9f\x98"s}) {
    EXPECT_FALSE(validator.valid("\"" + inner + "\"")) << inner;
    EXPECT_FALSE(validator.valid("[\"" + inner + "\"]")) << inner;
    EXPECT_FALSE(validator.valid("{\"" + inner + "\":1}")) << inner;
    EXPECT_FALSE(validator.valid("{\"k\":\"" + inner + "\"}")) << inner;
  }
}

TEST(JsonValidatorTest, RefusesByteOrderMarkAndNulBehind) {
  JsonValidator validator;
  EXPECT_FALSE(validator.valid("\xef\xbb\xbf{}"));
  EXPECT_FALSE(validator.valid("{}\0"s));
  EXPECT_FALSE(validator.valid("\0{}"s));
  EXPECT_FALSE(validator.valid("{\0}"s));
}

TEST(JsonValidatorTest, DepthLimitIsExact) {
  JsonValidator validator;
  for (const auto& [open, close] :
       std::vector<std::pair<std::string, std::string>>{{"[", "]"}, {"{\"a\":", "}"}}) {
    EXPECT_TRUE(validator.valid(nested(kMaxJsonDepth - 1, open, close)));
    EXPECT_TRUE(validator.valid(nested(kMaxJsonDepth, open, close)));
    EXPECT_FALSE(validator.valid(nested(kMaxJsonDepth + 1, open, close)));
    EXPECT_FALSE(validator.valid(nested(10'000, open, close)));
    EXPECT_FALSE(validator.valid(nested(1'000'000, open, "")));
  }
  // Breadth is not depth.
  std::string wide = "[1";
  for (int i = 0; i < 10'000; ++i) wide += ",[{}]";
  EXPECT_TRUE(validator.valid(wide + "]"));
}

TEST(JsonValidatorTest, IsAsGoodAfterABadText) {
  JsonValidator validator;
  EXPECT_TRUE(validator.valid("[1,2,3]"));
  EXPECT_FALSE(validator.valid("[1,2,3"));
  EXPECT_TRUE(validator.valid("{}"));
  EXPECT_FALSE(validator.valid("\"open"));
  EXPECT_TRUE(validator.valid("\"shut\""));
}

TEST(JsonTrimTest, TakesOnlyJsonWhitespace) {
  EXPECT_EQ(json_trim(" \t\r\n a b \r\n"), "a b");
  EXPECT_EQ(json_trim(""), "");
  EXPECT_EQ(json_trim(" \n"), "");
  EXPECT_EQ(json_trim("\v1\f"), "\v1\f");
}

TEST(JsonUnescapeTest, MeansWhatTheRfcSays) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"plain \xc3\xa9", "plain \xc3\xa9"},
      {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
      {R"(\u0041)", "A"},
      {R"(\u007f\u0080\u07ff)", "\x7f\xc2\x80\xdf\xbf"},
      {R"(\u0800\uffff\uD7FF\ue000)", "\xe0\xa0\x80\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80"},
      {R"(\ud800\udc00\uDBFF\uDFFF)", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
      {R"(a\u0000b)", "a\0b"s},
      {R"(\\u0041)", R"(\u0041)"},
  };
  for (const auto& [escaped, plain] : cases) {
    std::string out = "kept:";
    EXPECT_TRUE(append_json_unescaped(out, escaped)) << escaped;
    EXPECT_EQ(out, "kept:" + plain) << escaped;
  }
}

TEST(JsonUnescapeTest, RefusesBadEscapes) {
  for (const Bytes bad :
       {"\\", "a\\", "\\x", "\\u", "\\u123", "\\u12 4", "\\ud800", "\\udc00", "\\udc00\\udc00",
        "\\ud800\\", "\\ud800\\u", "\\ud800\\udbff", "\\ud800\\ue000"}) {
    std::string out;
    EXPECT_FALSE(append_json_unescaped(out, bad)) << bad;
  }
}

std::vector<std::pair<std::string, std::string>> members_of(Bytes object) {
  std::vector<std::pair<std::string, std::string>> found;
  JsonMembers members(object);
  while (members.next()) found.emplace_back(members.key(), members.value());
  EXPECT_FALSE(members.next());
  return found;
}

TEST(JsonMembersTest, FindsEveryPartAsSent) {
  using Found = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(members_of("{}"), Found{});
  EXPECT_EQ(members_of("{ \r\n}"), Found{});
  EXPECT_EQ(members_of(R"({"a":1})"), (Found{{"a", "1"}}));
  EXPECT_EQ(members_of("{ \"a\" :\t1.50 , \"b\":\rtrue }"), (Found{{"a", "1.50"}, {"b", "true"}}));
  EXPECT_EQ(members_of(R"({"a":{"b":[1,{"c":"]}"}]} ,"d":[]})"),
            (Found{{"a", R"({"b":[1,{"c":"]}"}]})"}, {"d", "[]"}}));
  EXPECT_EQ(members_of(R"({"q\"}":"\\","\\":"a\"b\\\"","":""})"),
            (Found{{R"(q\"})", R"("\\")"}, {R"(\\)", R"("a\"b\\\"")"}, {"", "\"\""}}));
  EXPECT_EQ(members_of(R"({"a":1,"a":2})"), (Found{{"a", "1"}, {"a", "2"}}));
  EXPECT_EQ(members_of(R"({"a":[[[]],"[[["],"b":null})"),
            (Found{{"a", R"([[[]],"[[["])"}, {"b", "null"}}));
}

TEST(JsonMembersTest, PartsAreViewsOfTheText) {
  const std::string text = R"({"a": {"b":1} })";
  JsonMembers members(text);
  ASSERT_TRUE(members.next());
  EXPECT_EQ(members.value().data(), text.data() + 6);
}

TEST(JsonMembersDeathTest, WantsAnObject) {
  EXPECT_DEATH(JsonMembers("[]"), "CHECK failed");
  EXPECT_DEATH(JsonMembers(""), "CHECK failed");
}

}  // namespace
}  // namespace millrace

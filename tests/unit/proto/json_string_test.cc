#include "proto/json_string.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/json_text.h"

namespace millrace {
namespace {

using std::string_literals::operator""s;

std::string json_string(Bytes text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string json_value(Bytes json) {
  std::string out = "before ";
  append_json_value(out, json);
  return out;
}

TEST(JsonStringTest, EscapesWhatItMustAndNothingElse) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("game:abc/1"), R"("game:abc/1")");
  EXPECT_EQ(json_string(R"(a"b\c)"), R"("a\"b\\c")");
  EXPECT_EQ(json_string("\n\r\t\x1f\x08\x0c"), R"("\n\r\t\u001f\u0008\u000c")");
  EXPECT_EQ(json_string("\0"s), R"("\u0000")");
  EXPECT_EQ(json_string(" \x7f\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"),
            "\" \x7f\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"");
  EXPECT_EQ(json_string(R"("")"), R"("\"\"")");
}

TEST(JsonStringTest, EveryAsciiByteComesBack) {
  JsonValidator validator;
  for (int byte = 0; byte < 0x80; ++byte) {
    const std::string plain = "a" + std::string(2, static_cast<char>(byte)) + "z";
    const std::string json = json_string(plain);
    EXPECT_TRUE(validator.valid(json)) << byte;
    std::string back;
    EXPECT_TRUE(append_json_unescaped(back, Bytes(json).substr(1, json.size() - 2))) << byte;
    EXPECT_EQ(back, plain);
  }
}

TEST(JsonStringTest, Appends) {
  std::string out = "[";
  append_json_string(out, "a");
  EXPECT_EQ(out, "[\"a\"");
}

TEST(JsonStringTest, ValuesLoseTheirLineBreaksOnly) {
  EXPECT_EQ(json_value(""), "before ");
  EXPECT_EQ(json_value(R"({"a": "\n"})"), R"(before {"a": "\n"})");
  EXPECT_EQ(json_value("\r\n{\n\"a\":\t1\r\n}\n"), "before {\"a\":\t1}");
}

}  // namespace
}  // namespace millrace

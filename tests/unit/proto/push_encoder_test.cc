#include "proto/push_encoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace millrace {
namespace {

std::string encoded(const PublicationPush& push) {
  std::string out;
  append_publication_push(out, push);
  return out;
}

TEST(PushEncoderTest, FromAnApplication) {
  EXPECT_EQ(encoded({.channel = "ch", .data = R"({"seq":1})", .info = {}}),
            R"({"push":{"channel":"ch","pub":{"data":{"seq":1}}}})");
}

TEST(PushEncoderTest, WithAnOffset) {
  EXPECT_EQ(encoded({.channel = "recovery:x", .data = R"({"seq":1})", .info = {}, .offset = 1}),
            R"({"push":{"channel":"recovery:x","pub":{"data":{"seq":1},"offset":1}}})");
  EXPECT_EQ(encoded({.channel = "c",
                     .data = "1",
                     .info = {},
                     .offset = std::numeric_limits<std::uint64_t>::max()}),
            R"({"push":{"channel":"c","pub":{"data":1,"offset":18446744073709551615}}})");
}

TEST(PushEncoderTest, FromAClient) {
  EXPECT_EQ(encoded({.channel = "recovery:x",
                     .data = R"({"a":1})",
                     .info = {.user = "42", .client = "2b0f"},
                     .offset = 2}),
            R"({"push":{"channel":"recovery:x","pub":{"data":{"a":1},)"
            R"("info":{"user":"42","client":"2b0f"},"offset":2}}})");
}

TEST(PushEncoderTest, UserStaysThoughEmptyAndInfoNeedsAClient) {
  EXPECT_EQ(
      encoded({.channel = "c", .data = "1", .info = {.user = "", .client = "2b0f"}, .offset = 5}),
      R"({"push":{"channel":"c","pub":{"data":1,"info":{"user":"","client":"2b0f"},"offset":5}}})");
  EXPECT_EQ(encoded({.channel = "c", .data = "1", .info = {.user = "42", .client = ""}}),
            R"({"push":{"channel":"c","pub":{"data":1}}})");
}

TEST(PushEncoderTest, NamesAreEscapedAndDataIsNot) {
  EXPECT_EQ(
      encoded(
          {.channel = "a\"b\n", .data = R"( "\u00e9" )", .info = {.user = "\\", .client = "\""}}),
      R"({"push":{"channel":"a\"b\u000a","pub":{"data": "\u00e9" ,)"
      R"("info":{"user":"\\","client":"\""}}}})");
}

TEST(PushEncoderTest, Appends) {
  std::string out = "{}\n";
  append_publication_push(out, {.channel = "c", .data = "1", .info = {}});
  EXPECT_EQ(out, "{}\n{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":1}}}");
}

TEST(PushEncoderDeathTest, DataIsNeverEmpty) {
  std::string out;
  EXPECT_DEATH(append_publication_push(out, {.channel = "c", .data = "", .info = {}}), "CHECK");
}

}  // namespace
}  // namespace millrace

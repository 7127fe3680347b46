#include "proto/reply_encoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "proto/json_string.h"
#include "proto/json_text.h"

namespace millrace {
namespace {

using std::string_literals::operator""s;

std::string json_string(Bytes text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(ReplyEncoderTest, Connect) {
  ConnectReply reply;
  reply.client = "2b0f8e34-9b8e-4a3e-8f6c-0c5a1d2e3f40";
  reply.version = "millrace 0.1.0";
  EXPECT_EQ(encode_connect_reply(1, reply),
            R"({"id":1,"connect":{"client":"2b0f8e34-9b8e-4a3e-8f6c-0c5a1d2e3f40",)"
            R"("version":"millrace 0.1.0","ping":25,"pong":true}})");
}

TEST(ReplyEncoderTest, ConnectLeavesOutWhatIsEmpty) {
  EXPECT_EQ(encode_connect_reply(1, {.client = "c", .version = "", .pong = false}),
            R"({"id":1,"connect":{"client":"c","ping":25}})");
  EXPECT_EQ(encode_connect_reply(1, {.client = "", .version = "v", .ping_seconds = 0}),
            R"({"id":1,"connect":{"version":"v","pong":true}})");
  EXPECT_EQ(
      encode_connect_reply(2, {.client = "", .version = "", .ping_seconds = 0, .pong = false}),
      R"({"id":2,"connect":{}})");
}

TEST(ReplyEncoderTest, EmptyResultsAreObjects) {
  EXPECT_EQ(encode_subscribe_reply(2), R"({"id":2,"subscribe":{}})");
  EXPECT_EQ(encode_publish_reply(3), R"({"id":3,"publish":{}})");
  EXPECT_EQ(encode_unsubscribe_reply(12), R"({"id":12,"unsubscribe":{}})");
  EXPECT_EQ(encode_publish_reply(std::numeric_limits<std::uint32_t>::max()),
            R"({"id":4294967295,"publish":{}})");
}

TEST(ReplyEncoderTest, Errors) {
  EXPECT_EQ(encode_error_reply(11, ErrorCode::kNotAvailable),
            R"({"id":11,"error":{"code":108,"message":"not available"}})");
  EXPECT_EQ(encode_error_reply(4, ErrorCode::kInternal),
            R"({"id":4,"error":{"code":100,"message":"internal server error","temporary":true}})");
}

TEST(ReplyEncoderTest, PingIsAnEmptyObject) { EXPECT_EQ(kJsonPing, "{}"); }

TEST(JsonStringTest, EscapesWhatItMustAndNothingElse) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("game:abc/1"), R"("game:abc/1")");
  EXPECT_EQ(json_string(R"(a"b\c)"), R"("a\"b\\c")");
  EXPECT_EQ(json_string("\n\r\t\x1f"), R"("\u000a\u000d\u0009\u001f")");
  EXPECT_EQ(json_string("\0"s), R"("\u0000")");
  EXPECT_EQ(json_string(" \x7f\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"),
            "\" \x7f\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"");
}

TEST(JsonStringTest, EveryAsciiByteComesBack) {
  JsonValidator validator;
  for (int byte = 0; byte < 0x80; ++byte) {
    const std::string plain(1, static_cast<char>(byte));
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

}  // namespace
}  // namespace millrace

#include "net/jet/info_header.h"

#include <gtest/gtest.h>

#include "net/auth/base64url.h"

namespace millrace {
namespace {

TEST(InfoHeader, ComesBackAsItWas) {
  JsonValidator validator;
  const ClientInfo whole{
      .user = "u\"\n\xc3\xa9", .client = "c", .conn_info = R"({"a":[1,"x"]})", .chan_info = "7"};
  const std::string value = info_to_header(whole);
  EXPECT_EQ(value.find_first_of("\r\n "), std::string::npos);
  const OwnedBytes packed = info_of_header(validator, value);
  EXPECT_EQ(unpack_client_info(packed), whole);
  const OwnedBytes user = info_of_header(validator, info_to_header({.user = "u"}));
  EXPECT_EQ(unpack_client_info(user), (ClientInfo{.user = "u"}));
  EXPECT_EQ(info_to_header({}), "");
}

TEST(InfoHeader, ALargeOneIsNotSentAndNotTaken) {
  JsonValidator validator;
  EXPECT_EQ(info_to_header({.user = std::string(kMaxInfoHeader, 'u')}), "");
  const std::string large =
      encode_base64url("{\"user\":\"" + std::string(kMaxInfoHeader, 'u') + "\"}");
  EXPECT_EQ(info_of_header(validator, large), "");
}

// Anybody may write it.
TEST(InfoHeader, WhatIsNoInfoIsNobody) {
  JsonValidator validator;
  EXPECT_EQ(info_of_header(validator, ""), "");
  EXPECT_EQ(info_of_header(validator, "not base64!"), "");
  for (const Bytes json : {"", "7", "[]", "{", "{}", "{\"user\":1}", "{\"user\":\"\"}",
                           "{\"conn_info\":{}}", "{\"user\":\"\\ud800\"}", "{\"user\":\"a\"}}"}) {
    EXPECT_EQ(info_of_header(validator, encode_base64url(json)), "") << json;
  }
}

TEST(InfoHeader, ALineBreakInsideIsTakenOut) {
  JsonValidator validator;
  const OwnedBytes packed =
      info_of_header(validator, encode_base64url("{\"user\":\"u\",\n\"conn_info\":{\"a\":\n1}}"));
  EXPECT_EQ(unpack_client_info(packed).conn_info, "{\"a\":1}");
}

}  // namespace
}  // namespace millrace

#include "net/api/node_answer.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

NodeAnswer read(ApiMethod method, Bytes body) {
  JsonValidator validator;
  return read_node_answer(validator, method, body);
}

TEST(NodeAnswer, IsReadFromWhatTheOtherSaid) {
  EXPECT_FALSE(read(ApiMethod::kDisconnect, R"({"result":{}})").error);
  EXPECT_EQ(read(ApiMethod::kDisconnect, R"({"error":{"code":102,"message":"x"}})").error,
            ErrorCode::kUnknownChannel);
  const std::vector<ApiChannelCount> channels{{"a\"", 3}, {"b", 0}};
  const NodeAnswer listed =
      read(ApiMethod::kChannels, R"({"result":)" + channels_result(channels) + "}");
  ASSERT_EQ(listed.channels.size(), 2U);
  EXPECT_EQ(listed.channels[0].channel, "a\"");
  EXPECT_EQ(listed.channels[0].clients, 3U);
  const std::vector<ApiNodeInfo> nodes{{"id", "n", "v", 1, 2, 3, 4, 5}};
  const NodeAnswer info = read(ApiMethod::kInfo, R"({"result":)" + info_result(nodes) + "}");
  ASSERT_EQ(info.nodes.size(), 1U);
  EXPECT_EQ(info_result(info.nodes), info_result(nodes));
}

TEST(NodeAnswer, WhatIsNoneIsAnError) {
  for (const Bytes body : {"", "{", "[]", "1", "{}", R"({"result":1})", R"({"error":1})",
                           R"({"error":{"code":7}})", R"({"error":{"code":"102"}})"}) {
    EXPECT_EQ(read(ApiMethod::kDisconnect, body).error, ErrorCode::kInternal) << body;
  }
  for (const Bytes body :
       {R"({"result":{}})", R"({"result":{"channels":[]}})", R"({"result":{"channels":{"a":1}}})",
        R"({"result":{"channels":{"a":{"num_clients":-1}}}})",
        R"({"result":{"channels":{"a..b":{"num_clients":1}}}})",
        R"({"result":{"channels":{"\ud800":{"num_clients":1}}}})"}) {
    EXPECT_EQ(read(ApiMethod::kChannels, body).error, ErrorCode::kInternal) << body;
  }
  for (const Bytes body :
       {R"({"result":{}})", R"({"result":{"nodes":{}}})", R"({"result":{"nodes":[1]}})",
        R"({"result":{"nodes":[{},{}]}})", R"({"result":{"nodes":[{"uptime":-1}]}})"}) {
    const NodeAnswer answer = read(ApiMethod::kInfo, body);
    EXPECT_EQ(answer.error, ErrorCode::kInternal) << body;
    EXPECT_TRUE(answer.nodes.empty()) << "nothing of it is taken";
  }
}

}  // namespace
}  // namespace millrace

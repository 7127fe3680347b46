#include "net/api/api_request.h"

#include <gtest/gtest.h>

#include <variant>

namespace millrace {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

template <typename What>
What taken(ApiMethod method, Bytes body) {
  ApiReader reader;
  auto read = reader.read(method, body, kNow);
  if (!read.ok()) ADD_FAILURE() << body << ": " << read.error().text;
  return read.ok() ? std::get<What>(*read) : What{};
}

// "malformed", or the code; "" for what is taken.
std::string refused(ApiMethod method, Bytes body) {
  ApiReader reader;
  const auto read = reader.read(method, body, kNow);
  if (read.ok()) return "";
  if (read.error().malformed) return "malformed";
  return std::to_string(static_cast<unsigned>(read.error().code));
}

TEST(ApiRequest, Publish) {
  const auto publish = taken<ApiPublish>(
      ApiMethod::kPublish,
      "{\"channel\":\"a\",\"data\":{\"x\":\n1},\"skip_history\":true,\"idempotency_key\":\"k\","
      "\"delta\":true,\"tags\":{},\"version\":0,\"more\":1}");
  EXPECT_EQ(publish.channel, "a");
  EXPECT_EQ(publish.data, R"({"x":1})");
  EXPECT_TRUE(publish.skip_history);
  EXPECT_FALSE(publish.binary);
  EXPECT_EQ(publish.idempotency_key, "k");
  const auto binary = taken<ApiPublish>(ApiMethod::kPublish, R"({"channel":"a","b64data":"AAEC"})");
  EXPECT_EQ(binary.data, std::string("\0\1\2", 3));
  EXPECT_TRUE(binary.binary);
  EXPECT_EQ(taken<ApiPublish>(ApiMethod::kPublish, R"({"channel":"a","data":null})").data, "null");
  EXPECT_EQ(refused(ApiMethod::kPublish, R"({"channel":"a"})"), "107");
  EXPECT_EQ(refused(ApiMethod::kPublish, R"({"data":1})"), "107");
  EXPECT_EQ(refused(ApiMethod::kPublish, R"({"channel":"a..b","data":1})"), "107");
  EXPECT_EQ(refused(ApiMethod::kPublish, R"({"channel":"a","data":1,"tags":{"b":"c"}})"), "108");
  EXPECT_EQ(refused(ApiMethod::kPublish, R"({"channel":"a","data":1,"version":3})"), "108");
  EXPECT_EQ(refused(ApiMethod::kPublish, R"({"channel":"a","b64data":"A"})"), "malformed");
  EXPECT_EQ(refused(ApiMethod::kPublish, R"({"channel":["a"],"data":1})"), "malformed");
}

TEST(ApiRequest, Broadcast) {
  const auto broadcast = taken<ApiBroadcast>(
      ApiMethod::kBroadcast, R"({"channels":["a","b:c"],"data":1,"idempotency_key":"k"})");
  EXPECT_EQ(broadcast.channels, (std::vector<std::string>{"a", "b:c"}));
  EXPECT_EQ(broadcast.publish.idempotency_key, "k");
  EXPECT_EQ(refused(ApiMethod::kBroadcast, R"({"channels":[],"data":1})"), "107");
  EXPECT_EQ(refused(ApiMethod::kBroadcast, R"({"channels":["a"]})"), "107");
  EXPECT_EQ(refused(ApiMethod::kBroadcast, R"({"channels":[1],"data":1})"), "malformed");
}

TEST(ApiRequest, Subscribe) {
  const auto subscribe = taken<ApiSubscribe>(
      ApiMethod::kSubscribe,
      R"({"user":"u","channel":"a","client":"c","info":{"i":1},"b64data":"MQ==","expire_at":5,)"
      R"("recover_since":{"offset":7,"epoch":"abcdefgh"},)"
      R"("override":{"presence":{"value":true},"force_recovery":{"value":false}}})");
  EXPECT_EQ(subscribe.who.user, "u");
  EXPECT_EQ(subscribe.who.client, "c");
  EXPECT_EQ(subscribe.grant.sub.channel, "a");
  EXPECT_EQ(subscribe.grant.sub.info, R"({"i":1})");
  EXPECT_EQ(subscribe.grant.sub.data, "1");
  EXPECT_EQ(subscribe.grant.expires_at, 5);
  EXPECT_EQ(subscribe.grant.since->offset, 7U);
  EXPECT_EQ(subscribe.grant.since->epoch, "abcdefgh");
  EXPECT_EQ(subscribe.grant.sub.presence, true);
  EXPECT_EQ(subscribe.grant.sub.recoverable, false);
  EXPECT_FALSE(subscribe.grant.sub.positioned.has_value());
  EXPECT_EQ(refused(ApiMethod::kSubscribe, R"({"channel":"a"})"), "107");
  EXPECT_EQ(refused(ApiMethod::kSubscribe, R"({"user":"u"})"), "107");
  EXPECT_EQ(refused(ApiMethod::kSubscribe, R"({"user":7,"channel":"a"})"), "malformed");
  EXPECT_EQ(
      refused(ApiMethod::kSubscribe, R"({"user":"u","channel":"a","override":{"presence":true}})"),
      "malformed");
  EXPECT_EQ(refused(ApiMethod::kSubscribe, R"({"user":"u","channel":"a","recover_since":1})"),
            "malformed");
}

TEST(ApiRequest, DisconnectAndRefresh) {
  const auto plain = taken<ApiDisconnect>(ApiMethod::kDisconnect, R"({"user":"u"})");
  EXPECT_EQ(plain.code, 3503);
  EXPECT_EQ(plain.reason, "force disconnect");
  const auto other = taken<ApiDisconnect>(
      ApiMethod::kDisconnect,
      R"({"user":"u","whitelist":["a"],"disconnect":{"code":4999,"reason":"bye"}})");
  EXPECT_EQ(other.code, 4999);
  EXPECT_EQ(other.reason, "bye");
  EXPECT_EQ(other.whitelist, std::vector<std::string>{"a"});
  EXPECT_EQ(refused(ApiMethod::kDisconnect, R"({"user":"u","disconnect":{"code":1000}})"), "107");
  EXPECT_EQ(refused(ApiMethod::kDisconnect, R"({"user":"u","disconnect":[]})"), "malformed");
  const auto refresh =
      taken<ApiRefresh>(ApiMethod::kRefresh, R"({"user":"u","expire_at":9,"info":1})");
  EXPECT_EQ(refresh.renewal.expires_at, 9);
  EXPECT_EQ(refresh.renewal.info, "1");
  EXPECT_FALSE(refresh.renewal.expired);
  EXPECT_EQ(refused(ApiMethod::kUnsubscribe, R"({"user":"u"})"), "107");
}

TEST(ApiRequest, QuestionsAboutChannels) {
  EXPECT_TRUE(taken<ApiPresence>(ApiMethod::kPresenceStats, R"({"channel":"a"})").counts_only);
  EXPECT_FALSE(taken<ApiPresence>(ApiMethod::kPresence, R"({"channel":"a"})").counts_only);
  const auto history = taken<ApiHistory>(
      ApiMethod::kHistory,
      R"({"channel":"a","limit":-1,"reverse":true,"since":{"offset":3,"epoch":"e"}})");
  EXPECT_EQ(history.limit, -1);
  EXPECT_TRUE(history.reverse);
  EXPECT_EQ(history.since->offset, 3U);
  EXPECT_EQ(taken<ApiHistoryRemove>(ApiMethod::kHistoryRemove, R"({"channel":"a"})").channel, "a");
  EXPECT_EQ(taken<ApiChannels>(ApiMethod::kChannels, R"({"pattern":"a*"})").pattern, "a*");
  EXPECT_EQ(taken<ApiChannels>(ApiMethod::kChannels, " ").pattern, "");
  taken<ApiInfo>(ApiMethod::kInfo, "");
  taken<ApiInfo>(ApiMethod::kInfo, "{}");
  EXPECT_EQ(refused(ApiMethod::kPresence, ""), "malformed");
  EXPECT_EQ(refused(ApiMethod::kInfo, "["), "malformed");
}

TEST(ApiRequest, BatchAndLines) {
  const auto batch = taken<ApiBatch>(
      ApiMethod::kBatch,
      R"({"parallel":true,"commands":[{"publish":{"channel":"a"}},{"revoke":{"user":"u"}}]})");
  ASSERT_EQ(batch.commands.size(), 2U);
  EXPECT_TRUE(batch.parallel);
  EXPECT_EQ(batch.commands[1].method, ApiMethod::kRevoke);
  EXPECT_EQ(batch.commands[0].params, R"({"channel":"a"})");
  for (const Bytes bad : {R"({})", R"({"commands":{}})", R"({"commands":[1]})",
                          R"({"commands":[{}]})", R"({"commands":[{"nosuch":{}}]})",
                          R"({"commands":[{"batch":{}}]})", R"({"commands":[{"info":1,"a":2}]})"}) {
    EXPECT_EQ(refused(ApiMethod::kBatch, bad), "malformed") << bad;
  }
  ApiReader reader;
  const auto line = reader.read_line(R"({"method":"info"})");
  EXPECT_EQ(line->method, ApiMethod::kInfo);
  EXPECT_EQ(line->params, "{}");
  EXPECT_EQ(reader.read_line(R"({"method":"nosuch"})").error().code, ErrorCode::kMethodNotFound);
  EXPECT_TRUE(reader.read_line("{").error().malformed);
  EXPECT_FALSE(reader.read_line("{}").error().malformed);
}

TEST(ApiRequest, Revoke) {
  const auto revoke = taken<ApiRevoke>(ApiMethod::kRevoke, R"({"user":"u"})");
  EXPECT_EQ(revoke.revocation.name, "u");
  EXPECT_EQ(revoke.revocation.before, kNow + 1);
  EXPECT_EQ(refused(ApiMethod::kRevoke, "{"), "107");
}

}  // namespace
}  // namespace millrace

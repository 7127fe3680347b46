#include "proto/json_encoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/unit/proto/reference_json.h"

namespace millrace {
namespace {

const JsonEncoder kEncoder;
constexpr auto kMost32 = std::numeric_limits<std::uint32_t>::max();
constexpr auto kMost64 = std::numeric_limits<std::uint64_t>::max();
constexpr Bytes kClient = "2b0f8e34-9b8e-4a3e-8f6c-0c5a1d2e3f40";

// What one function of the encoder makes; every message is one line of JSON and is appended.
template <typename... Arguments>
std::string made(void (JsonEncoder::*function)(std::string&, Arguments...) const,
                 const std::type_identity_t<Arguments>&... arguments) {
  std::string out = "{}\n";
  (kEncoder.*function)(out, arguments...);
  EXPECT_EQ(out.substr(0, 3), "{}\n");
  out.erase(0, 3);
  EXPECT_EQ(out.find_first_of("\r\n"), std::string::npos) << out;
  EXPECT_TRUE(test::ReferenceJson::valid(out, 100)) << out;
  return out;
}

TEST(JsonEncoderTest, FramesAreLinesOfText) {
  EXPECT_FALSE(kEncoder.binary());
  EXPECT_EQ(kEncoder.separator(), "\n");
  EXPECT_EQ(made(&JsonEncoder::ping), "{}");
  EXPECT_EQ(kJsonPing, "{}");
}

TEST(JsonEncoderTest, Connect) {
  EXPECT_EQ(made(&JsonEncoder::connect, 1, {.client = kClient, .version = "millrace 0.1.0"}),
            R"({"id":1,"connect":{"client":"2b0f8e34-9b8e-4a3e-8f6c-0c5a1d2e3f40",)"
            R"("version":"millrace 0.1.0","ping":25,"pong":true}})");
  EXPECT_EQ(made(&JsonEncoder::connect, kMost32,
                 {.client = "c",
                  .version = "v",
                  .expires = true,
                  .ttl = 600,
                  .ping_seconds = 1,
                  .pong = false,
                  .data = "{\"a\":\n1}",
                  .session = "s",
                  .node = "n"}),
            R"({"id":4294967295,"connect":{"client":"c","version":"v","expires":true,"ttl":600,)"
            R"("data":{"a":1},"ping":1,"session":"s","node":"n"}})");
}

TEST(JsonEncoderTest, ConnectLeavesOutWhatIsEmpty) {
  EXPECT_EQ(made(&JsonEncoder::connect, 2,
                 {.client = "", .version = "", .ping_seconds = 0, .pong = false}),
            R"({"id":2,"connect":{}})");
  EXPECT_EQ(made(&JsonEncoder::connect, 2, {.client = "", .version = "v", .ping_seconds = 0}),
            R"({"id":2,"connect":{"version":"v","pong":true}})");
}

TEST(JsonEncoderTest, ConnectWithSubscriptionsOfTheServer) {
  const std::vector<PublicationOut> missed = {{.data = "1", .offset = 3}};
  const std::vector<ServerSubscription> subs = {{.channel = "plain", .result = {}},
                                                {.channel = "re\"cov",
                                                 .result = {.recoverable = true,
                                                            .positioned = true,
                                                            .epoch = "tKqVbZrM",
                                                            .offset = 2,
                                                            .publications = missed,
                                                            .was_recovering = true,
                                                            .recovered = true}}};
  EXPECT_EQ(made(&JsonEncoder::connect, 1, {.client = "c", .version = "", .subs = subs}),
            R"({"id":1,"connect":{"client":"c","subs":{"plain":{},"re\"cov":{"recoverable":true,)"
            R"("epoch":"tKqVbZrM","publications":[{"data":1,"offset":3}],"recovered":true,)"
            R"("offset":2,"positioned":true,"was_recovering":true}},"ping":25,"pong":true}})");
}

TEST(JsonEncoderTest, Subscribe) {
  EXPECT_EQ(made(&JsonEncoder::subscribe, 2, {}), R"({"id":2,"subscribe":{}})");
  EXPECT_EQ(made(&JsonEncoder::subscribe, 2,
                 {.recoverable = true, .positioned = true, .epoch = "tKqVbZrM"}),
            R"({"id":2,"subscribe":{"recoverable":true,"epoch":"tKqVbZrM","positioned":true}})");
  EXPECT_EQ(made(&JsonEncoder::subscribe, 3,
                 {.expires = true, .ttl = kMost32, .epoch = "", .delta = true, .data = "[\r\n1]"}),
            R"({"id":3,"subscribe":{"expires":true,"ttl":4294967295,"data":[1],"delta":true}})");
}

TEST(JsonEncoderTest, SubscribeThatRecovered) {
  const std::vector<PublicationOut> missed = {
      {.data = R"({"seq":3})", .info = {.user = "42", .client = "c"}, .offset = 3},
      {.data = "\"4\"", .offset = 4}};
  EXPECT_EQ(made(&JsonEncoder::subscribe, 5,
                 {.recoverable = true,
                  .positioned = true,
                  .epoch = "tKqVbZrM",
                  .offset = 2,
                  .publications = missed,
                  .was_recovering = true,
                  .recovered = true}),
            R"({"id":5,"subscribe":{"recoverable":true,"epoch":"tKqVbZrM","publications":[)"
            R"({"data":{"seq":3},"info":{"user":"42","client":"c"},"offset":3},)"
            R"({"data":"4","offset":4}],"recovered":true,"offset":2,"positioned":true,)"
            R"("was_recovering":true}})");
  EXPECT_EQ(made(&JsonEncoder::subscribe, 5,
                 {.recoverable = true,
                  .positioned = true,
                  .epoch = "tKqVbZrM",
                  .offset = 9,
                  .was_recovering = true}),
            R"({"id":5,"subscribe":{"recoverable":true,"epoch":"tKqVbZrM","offset":9,)"
            R"("positioned":true,"was_recovering":true}})");
}

TEST(JsonEncoderTest, EmptyResultsAreObjects) {
  EXPECT_EQ(made(&JsonEncoder::unsubscribe, 12), R"({"id":12,"unsubscribe":{}})");
  EXPECT_EQ(made(&JsonEncoder::publish, kMost32), R"({"id":4294967295,"publish":{}})");
  EXPECT_EQ(made(&JsonEncoder::rpc, 1, ""), R"({"id":1,"rpc":{}})");
  EXPECT_EQ(made(&JsonEncoder::refresh, 1, {}), R"({"id":1,"refresh":{}})");
  EXPECT_EQ(made(&JsonEncoder::sub_refresh, 1, {}), R"({"id":1,"sub_refresh":{}})");
}

TEST(JsonEncoderTest, PresenceIsAlwaysThere) {
  EXPECT_EQ(made(&JsonEncoder::presence, 8, {}), R"({"id":8,"presence":{"presence":{}}})");
  const std::vector<ClientInfo> members = {
      {.user = "42", .client = "a\"b", .conn_info = "{\"n\":\n1}", .chan_info = "[]"},
      {.user = "", .client = "c2"}};
  EXPECT_EQ(made(&JsonEncoder::presence, 8, members),
            R"({"id":8,"presence":{"presence":{"a\"b":{"user":"42","client":"a\"b",)"
            R"("conn_info":{"n":1},"chan_info":[]},"c2":{"user":"","client":"c2"}}}})");
}

TEST(JsonEncoderTest, PresenceStatsAreAlwaysThere) {
  EXPECT_EQ(made(&JsonEncoder::presence_stats, 9, {}),
            R"({"id":9,"presence_stats":{"num_clients":0,"num_users":0}})");
  EXPECT_EQ(made(&JsonEncoder::presence_stats, 9, {.clients = kMost32, .users = 1}),
            R"({"id":9,"presence_stats":{"num_clients":4294967295,"num_users":1}})");
}

TEST(JsonEncoderTest, HistoryIsAlwaysThere) {
  EXPECT_EQ(made(&JsonEncoder::history, 10, {}),
            R"({"id":10,"history":{"publications":[],"epoch":"","offset":0}})");
  const std::vector<PublicationOut> page = {{.data = R"({"a":1})", .offset = 1},
                                            {.data = "2", .offset = 2}};
  EXPECT_EQ(
      made(&JsonEncoder::history, 10, {.publications = page, .epoch = "tKqVbZrM", .offset = 2}),
      R"({"id":10,"history":{"publications":[{"data":{"a":1},"offset":1},)"
      R"({"data":2,"offset":2}],"epoch":"tKqVbZrM","offset":2}})");
}

TEST(JsonEncoderTest, RpcAndRefreshes) {
  EXPECT_EQ(made(&JsonEncoder::rpc, 11, "{\"a\":\r\n null}"),
            R"({"id":11,"rpc":{"data":{"a": null}}})");
  EXPECT_EQ(
      made(&JsonEncoder::refresh, 6, {.client = "c", .version = "v", .expires = true, .ttl = 600}),
      R"({"id":6,"refresh":{"client":"c","version":"v","expires":true,"ttl":600}})");
  EXPECT_EQ(made(&JsonEncoder::sub_refresh, 7, {.expires = true, .ttl = 300}),
            R"({"id":7,"sub_refresh":{"expires":true,"ttl":300}})");
}

TEST(JsonEncoderTest, Errors) {
  EXPECT_EQ(made(&JsonEncoder::error, 11, ErrorCode::kNotAvailable),
            R"({"id":11,"error":{"code":108,"message":"not available"}})");
  EXPECT_EQ(made(&JsonEncoder::error, 4, ErrorCode::kInternal),
            R"({"id":4,"error":{"code":100,"message":"internal server error","temporary":true}})");
  EXPECT_EQ(made(&JsonEncoder::application_error, 5, {1'000, "a \"b\"\n", false}),
            R"({"id":5,"error":{"code":1000,"message":"a \"b\"\n"}})");
}

TEST(JsonEncoderTest, PublicationPush) {
  const auto push = [](Bytes channel, const PublicationOut& publication) {
    return made(&JsonEncoder::publication_push, channel, publication);
  };
  EXPECT_EQ(push("ch", {.data = R"({"seq":1})"}),
            R"({"push":{"channel":"ch","pub":{"data":{"seq":1}}}})");
  EXPECT_EQ(push("c", {.data = "1", .offset = kMost64}),
            R"({"push":{"channel":"c","pub":{"data":1,"offset":18446744073709551615}}})");
  EXPECT_EQ(push("recovery:x", {.data = "2", .info = {.user = "42", .client = "2b"}, .offset = 2}),
            R"({"push":{"channel":"recovery:x","pub":{"data":2,)"
            R"("info":{"user":"42","client":"2b"},"offset":2}}})");
  EXPECT_EQ(push("c", {.data = "1",
                       .info = {.user = "", .client = "2b", .conn_info = "{}", .chan_info = "0"}}),
            R"({"push":{"channel":"c","pub":{"data":1,)"
            R"("info":{"user":"","client":"2b","conn_info":{},"chan_info":0}}}})");
  EXPECT_EQ(push("c", {.data = "1", .info = {.user = "42"}}),
            R"({"push":{"channel":"c","pub":{"data":1,"info":{"user":"42","client":""}}}})");
}

TEST(JsonEncoderTest, NamesAreEscapedAndDataIsNot) {
  EXPECT_EQ(made(&JsonEncoder::publication_push, "a\"b\n",
                 {.data = R"( "\u00e9" )", .info = {.user = "\\", .client = "\""}}),
            R"({"push":{"channel":"a\"b\n","pub":{"data": "\u00e9" ,)"
            R"("info":{"user":"\\","client":"\""}}}})");
}

TEST(JsonEncoderTest, DataOfADeltaIsAString) {
  EXPECT_EQ(made(&JsonEncoder::publication_push, "c",
                 {.data = R"({"a":"\"é"})", .offset = 5, .form = DataForm::kFull}),
            R"({"push":{"channel":"c","pub":{"data":"{\"a\":\"\\\"é\"}","offset":5}}})");
  EXPECT_EQ(made(&JsonEncoder::publication_push, "c",
                 {.data = "3\n3@0,1k;", .offset = 6, .form = DataForm::kPatch}),
            R"({"push":{"channel":"c","pub":{"data":"3\n3@0,1k;","offset":6,"delta":true}}})");
  const std::vector<PublicationOut> missed = {
      {.data = "[]", .offset = 1, .form = DataForm::kFull},
      {.data = "2\n2@0,1;", .offset = 2, .form = DataForm::kPatch}};
  EXPECT_EQ(made(&JsonEncoder::subscribe, 1, {.epoch = "", .publications = missed, .delta = true}),
            R"({"id":1,"subscribe":{"publications":[{"data":"[]","offset":1},)"
            R"({"data":"2\n2@0,1;","offset":2,"delta":true}],"delta":true}})");
}

TEST(JsonEncoderTest, JoinAndLeave) {
  EXPECT_EQ(made(&JsonEncoder::join_push, "ch",
                 {.user = "42", .client = "2b", .conn_info = "1", .chan_info = "\"x\""}),
            R"({"push":{"channel":"ch","join":{"info":{"user":"42","client":"2b",)"
            R"("conn_info":1,"chan_info":"x"}}}})");
  EXPECT_EQ(made(&JsonEncoder::leave_push, "ch", {.user = "", .client = "2b"}),
            R"({"push":{"channel":"ch","leave":{"info":{"user":"","client":"2b"}}}})");
}

TEST(JsonEncoderTest, OtherPushes) {
  EXPECT_EQ(made(&JsonEncoder::unsubscribe_push, "ch", UnsubscribeCode::kServer),
            R"({"push":{"channel":"ch","unsubscribe":{"code":2000,)"
            R"("reason":"server unsubscribe"}}})");
  EXPECT_EQ(made(&JsonEncoder::unsubscribe_push, "ch", UnsubscribeCode::kExpired),
            R"({"push":{"channel":"ch","unsubscribe":{"code":2501,)"
            R"("reason":"subscription expired"}}})");
  EXPECT_EQ(made(&JsonEncoder::subscribe_push, "ch", {}),
            R"({"push":{"channel":"ch","subscribe":{}}})");
  EXPECT_EQ(made(&JsonEncoder::subscribe_push, "ch",
                 {.recoverable = true,
                  .positioned = true,
                  .epoch = "tKqVbZrM",
                  .offset = 3,
                  .data = "{}"}),
            R"({"push":{"channel":"ch","subscribe":{"recoverable":true,"epoch":"tKqVbZrM",)"
            R"("offset":3,"positioned":true,"data":{}}}})");
  EXPECT_EQ(made(&JsonEncoder::message_push, "{\"a\":1}"),
            R"({"push":{"message":{"data":{"a":1}}}})");
  EXPECT_EQ(made(&JsonEncoder::message_push, ""), R"({"push":{"message":{}}})");
  EXPECT_EQ(made(&JsonEncoder::refresh_push, true, 60),
            R"({"push":{"refresh":{"expires":true,"ttl":60}}})");
  EXPECT_EQ(made(&JsonEncoder::refresh_push, false, 0), R"({"push":{"refresh":{}}})");
}

// One allocation, whatever the numbers are, if names need no escapes.
TEST(JsonEncoderTest, PublicationPushHasRoomFromTheStart) {
  for (const DataForm form : {DataForm::kPlain, DataForm::kFull, DataForm::kPatch}) {
    const std::string data = "\"" + std::string(3'000, 'x') + "\"";
    const PublicationOut publication = {
        .data = data,
        .info = {.user = "u", .client = kClient, .conn_info = data, .chan_info = data},
        .offset = kMost64,
        .form = form};
    std::string out;
    kEncoder.publication_push(out, "channel", publication);
    std::string reserved;
    const std::size_t extra = form == DataForm::kPlain ? 0 : data.size() / 4;
    reserved.reserve(7 + 160 + extra + 3 * data.size() + 1 + kClient.size());
    EXPECT_EQ(out.capacity(), reserved.capacity());
  }
}

TEST(JsonEncoderDeathTest, DataIsNeverEmpty) {
  std::string out;
  EXPECT_DEATH(kEncoder.publication_push(out, "c", {.data = ""}), "CHECK");
}

}  // namespace
}  // namespace millrace

// Every request with every field of it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/proto/command_decoder_fixture.h"

namespace millrace {
namespace {

using RequestsTest = test::CommandDecoderFixture;
using Outcome = JsonCommandDecoder::Outcome;

TEST_F(RequestsTest, ConnectWithWhatTheClientKnows) {
  const auto connect = body<ConnectCommand>(
      R"({"id":1,"connect":{"token":"t","subs":{"news":{"recover":true,"offset":5,"epoch":"abcd"},)"
      R"("game:a\"b":{}},"headers":{"h":"v"},"flag":7,"dict":"d","profile":"p"}})");
  EXPECT_EQ(connect.token, "t");
  ASSERT_EQ(connect.subs.size(), 2U);
  EXPECT_EQ(connect.subs[0].channel, "game:a\"b");
  EXPECT_FALSE(connect.subs[0].recover);
  EXPECT_EQ(connect.subs[0].position.offset, 0U);
  EXPECT_EQ(connect.subs[0].position.epoch, "");
  EXPECT_EQ(connect.subs[1].channel, "news");
  EXPECT_TRUE(connect.subs[1].recover);
  EXPECT_EQ(connect.subs[1].position.offset, 5U);
  EXPECT_EQ(connect.subs[1].position.epoch, "abcd");
  EXPECT_TRUE(body<ConnectCommand>(R"({"id":1,"connect":{"subs":{}}})").subs.empty());
  expect_bad(R"({"id":1,"connect":{"subs":{"a":{},"\u0061":{}}}})");
  EXPECT_EQ(decoder_.bad_reason(), "'subs' has a channel twice");
  expect_bad(R"({"id":1,"connect":{"subs":[]}})");
  expect_bad(R"({"id":1,"connect":{"subs":{"a":{"offset":-1}}}})");
}

// What an earlier command of the frame had known is gone, and does not come back.
TEST_F(RequestsTest, SubsAreThoseOfTheirOwnCommand) {
  EXPECT_EQ(decode(R"({"id":1,"connect":{"subs":{"a":{},"b":{}}}})"
                   "\n"
                   R"({"id":2,"connect":{}})"),
            Outcome::kDone);
  ASSERT_EQ(sink_.commands.size(), 2U);
  EXPECT_TRUE(std::get<ConnectCommand>(sink_.commands[1].body).subs.empty());
}

TEST_F(RequestsTest, Subscribe) {
  const auto subscribe = body<SubscribeCommand>(
      R"({"subscribe":{"channel":"c","token":"t","recover":true,"epoch":"e","offset":7,)"
      R"("data":{"a": 1},"positioned":true,"recoverable":true,"join_leave":true,)"
      R"("delta":"fossil","tf":{"cmp":"eq"},"flag":3,"type":1,"phase":2,"cursor":"x"},"id":9})");
  EXPECT_EQ(subscribe.channel, "c");
  EXPECT_EQ(subscribe.token, "t");
  EXPECT_TRUE(subscribe.recover);
  EXPECT_EQ(subscribe.position.epoch, "e");
  EXPECT_EQ(subscribe.position.offset, 7U);
  EXPECT_EQ(subscribe.data, R"({"a": 1})");
  EXPECT_TRUE(subscribe.positioned);
  EXPECT_TRUE(subscribe.recoverable);
  EXPECT_TRUE(subscribe.join_leave);
  EXPECT_EQ(subscribe.delta, "fossil");
  EXPECT_TRUE(subscribe.has_filter);
  EXPECT_EQ(subscribe.flag, 3U);
  EXPECT_NE(subscribe.flag & SubscribeCommand::kRejectUnrecovered, 0U);
  EXPECT_EQ(subscribe.type, 1);
}

TEST_F(RequestsTest, SubscribeWithNothing) {
  const auto subscribe = body<SubscribeCommand>(R"({"subscribe":{},"id":1})");
  EXPECT_EQ(subscribe.channel, "");
  EXPECT_FALSE(subscribe.recover || subscribe.positioned || subscribe.recoverable);
  EXPECT_FALSE(subscribe.join_leave || subscribe.has_filter);
  EXPECT_EQ(subscribe.position.offset, 0U);
  EXPECT_EQ(subscribe.flag, 0U);
  EXPECT_EQ(subscribe.type, 0);
  EXPECT_FALSE(body<SubscribeCommand>(R"({"id":1,"subscribe":{"recover":false}})").recover);
}

TEST_F(RequestsTest, History) {
  const auto plain = body<HistoryCommand>(R"({"id":1,"history":{"channel":"c"}})");
  EXPECT_EQ(plain.channel, "c");
  EXPECT_EQ(plain.limit, 0);
  EXPECT_FALSE(plain.since);
  EXPECT_FALSE(plain.reverse);
  const auto full = body<HistoryCommand>(
      R"({"id":1,"history":{"since":{"offset":4,"epoch":"e"},"limit":-1,"reverse":true,)"
      R"("channel":"d"}})");
  EXPECT_EQ(full.channel, "d");
  EXPECT_EQ(full.limit, -1);
  EXPECT_TRUE(full.reverse);
  ASSERT_TRUE(full.since);
  EXPECT_EQ(full.since->offset, 4U);
  EXPECT_EQ(full.since->epoch, "e");
  // An empty position is a position: the beginning.
  EXPECT_TRUE(body<HistoryCommand>(R"({"id":1,"history":{"since":{}}})").since);
}

TEST_F(RequestsTest, RequestsOfAChannel) {
  EXPECT_EQ(body<PresenceCommand>(R"({"id":1,"presence":{"channel":"c"}})").channel, "c");
  EXPECT_EQ(body<PresenceStatsCommand>(R"({"id":1,"presence_stats":{"channel":"c"}})").channel,
            "c");
  EXPECT_EQ(body<UnsubscribeCommand>(R"({"id":1,"unsubscribe":{"channel":"c"}})").channel, "c");
  EXPECT_EQ(body<PresenceCommand>(R"({"id":1,"presence":{}})").channel, "");
}

TEST_F(RequestsTest, RpcAndRefreshes) {
  const auto rpc = body<RpcCommand>(R"({"id":1,"rpc":{"method":"m\u0061","data":[ 1 ]}})");
  EXPECT_EQ(rpc.method, "ma");
  EXPECT_EQ(rpc.data, "[ 1 ]");
  EXPECT_EQ(body<RefreshCommand>(R"({"id":1,"refresh":{"token":"a.b.c"}})").token, "a.b.c");
  EXPECT_EQ(body<RefreshCommand>(R"({"id":1,"refresh":{}})").token, "");
  const auto sub =
      body<SubRefreshCommand>(R"({"id":1,"sub_refresh":{"channel":"c","token":"t","type":4}})");
  EXPECT_EQ(sub.channel, "c");
  EXPECT_EQ(sub.token, "t");
}

// Every field of every request: a wrong type, and the field twice, are bad.
TEST_F(RequestsTest, EveryFieldHasItsTypeAndStandsOnce) {
  struct Field {
    const char* request;
    const char* name;
    const char* good;
    std::vector<const char*> wrong;
  };
  const std::vector<const char*> no_string = {"1", "null", "{}", "[\"a\"]", "true"};
  const std::vector<const char*> no_flag = {"1", "null", "\"true\"", "{}"};
  const std::vector<const char*> no_whole = {"-1",    "1.0",  "1e3",
                                             "\"1\"", "null", "18446744073709551616"};
  const std::vector<const char*> no_number = {"2147483648", "1.0", "\"1\"", "null"};
  const std::vector<const char*> no_object = {"1", "null", "[]", "\"\"", "true"};
  const std::vector<Field> fields = {
      {"connect", "token", "\"t\"", no_string},
      {"connect", "name", "\"t\"", no_string},
      {"connect", "version", "\"t\"", no_string},
      {"connect", "data", "1", {}},
      {"connect", "subs", "{}", no_object},
      {"subscribe", "channel", "\"c\"", no_string},
      {"subscribe", "token", "\"c\"", no_string},
      {"subscribe", "recover", "true", no_flag},
      {"subscribe", "epoch", "\"c\"", no_string},
      {"subscribe", "offset", "1", no_whole},
      {"subscribe", "data", "null", {}},
      {"subscribe", "positioned", "true", no_flag},
      {"subscribe", "recoverable", "true", no_flag},
      {"subscribe", "join_leave", "true", no_flag},
      {"subscribe", "delta", "\"fossil\"", no_string},
      {"subscribe", "tf", "{}", {}},
      {"subscribe", "flag", "1", no_whole},
      {"subscribe", "type", "-1", no_number},
      {"unsubscribe", "channel", "\"c\"", no_string},
      {"publish", "channel", "\"c\"", no_string},
      {"publish", "data", "\"c\"", {}},
      {"presence", "channel", "\"c\"", no_string},
      {"presence_stats", "channel", "\"c\"", no_string},
      {"history", "channel", "\"c\"", no_string},
      {"history", "limit", "-2147483648", no_number},
      {"history", "since", "{}", no_object},
      {"history", "reverse", "false", no_flag},
      {"rpc", "method", "\"c\"", no_string},
      {"rpc", "data", "{}", {}},
      {"refresh", "token", "\"c\"", no_string},
      {"sub_refresh", "channel", "\"c\"", no_string},
      {"sub_refresh", "token", "\"c\"", no_string},
      {"send", "data", "[]", {}},
  };
  for (const auto& [request, name, good, wrong] : fields) {
    const std::string before = std::string(R"({"id":1,")") + request + "\":{";
    const std::string member = std::string("\"") + name + "\":";
    EXPECT_EQ(decode(before + member + good + "}}"), Outcome::kDone) << request << " " << name;
    expect_bad(before + member + good + "," + member + good + "}}");
    for (const char* value : wrong) expect_bad(before + member + value + "}}");
  }
}

TEST_F(RequestsTest, RestIsWhatStandsBehindACommand) {
  ASSERT_EQ(decode("{}\n {} \n{\"id\":1,\"rpc\":{}}"), Outcome::kDone);
  EXPECT_EQ(sink_.rests,
            (std::vector<std::string>{" {} \n{\"id\":1,\"rpc\":{}}", "{\"id\":1,\"rpc\":{}}", ""}));
  ASSERT_EQ(decode("{}\n{}\n"), Outcome::kDone);
  EXPECT_EQ(sink_.rests, (std::vector<std::string>{"{}\n", ""}));
}

// Whoever stops at a command and decodes the rest later sees what one call would have shown.
TEST_F(RequestsTest, StoppingAndGoingOnChangesNothing) {
  for (const std::string frame :
       {"{}", "{}\n", "{}\n\n", "{}\n{}\n\n", "{}\n\n{}", "{}\n{}\n{}", "{}\nx", "{}\n{}\n ",
        "{}\n\r\n", "\n", "", "{}\n{\"id\":1,\"rpc\":{}}\n{\"id\":2}\n"}) {
    const Outcome whole = decode(frame);
    const std::size_t commands = sink_.commands.size();
    std::string left = frame;
    Outcome last = Outcome::kStopped;
    std::size_t seen = 0;
    while (last == Outcome::kStopped) {
      test::Collector one;
      one.stop_after = 1;
      last = decoder_.decode(left, one);
      if (last != Outcome::kStopped) break;
      ++seen;
      left = one.rests.at(0);
      if (left.empty()) last = Outcome::kDone;
    }
    EXPECT_EQ(last, whole) << frame;
    EXPECT_EQ(seen, commands) << frame;
  }
}

}  // namespace
}  // namespace millrace

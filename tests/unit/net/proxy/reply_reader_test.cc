#include "net/proxy/reply_reader.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Kind = ApplicationAnswer::Kind;

ApplicationAnswer good(ProxyMethod method, const std::string& text, bool flat = false) {
  ReplyReader reader;
  auto answer = reader.read(method, flat, text);
  EXPECT_TRUE(answer.ok()) << text << ": " << (answer.ok() ? "" : reply_fault_text(answer.error()));
  return answer.ok() ? *answer : ApplicationAnswer();
}

TEST(ReplyReader, OfConnectSaysWhoAndWhere) {
  const auto answer =
      good(ProxyMethod::kConnect,
           R"({"result":{"user":"anna","expire_at":1800000000,"info":{"n":1},"data":{"d":2},)"
           R"("meta":{"m":3},"channels":["x"],"subs":{"user:anna":{"info":4,"data":5,)"
           R"("override":{"presence":{"value":true}}}},"more":"unknown"}})");
  EXPECT_EQ(answer.kind, Kind::kAllowed);
  EXPECT_EQ(answer.user, "anna");
  EXPECT_EQ(answer.expires_at, 1'800'000'000);
  EXPECT_EQ(answer.sub.info, R"({"n":1})");
  EXPECT_EQ(answer.data, R"({"d":2})");
  EXPECT_EQ(answer.meta, R"({"m":3})");
  ASSERT_EQ(answer.subs.size(), 1U) << "subs win over channels";
  EXPECT_EQ(answer.subs[0].channel, "user:anna");
  EXPECT_EQ(answer.subs[0].data, "5");
  EXPECT_EQ(answer.subs[0].presence, true);
  EXPECT_EQ(good(ProxyMethod::kConnect, R"({"result":{"channels":["a","b"]}})").subs.size(), 2U);
}

TEST(ReplyReader, NothingSaidIsAllowed) {
  for (const auto method : {ProxyMethod::kConnect, ProxyMethod::kSubscribe, ProxyMethod::kPublish,
                            ProxyMethod::kRpc, ProxyMethod::kRefresh, ProxyMethod::kSubRefresh}) {
    EXPECT_EQ(good(method, " {\"result\":{}}\n").kind, Kind::kAllowed);
  }
}

TEST(ReplyReader, NullIsAsIfItWasNotThere) {
  const auto answer =
      good(ProxyMethod::kConnect,
           R"({"result":{"user":null,"expire_at":null,"data":null,"b64data":null,"info":null,)"
           R"("subs":null,"channels":null,"meta":null},"error":null,"disconnect":null})");
  EXPECT_EQ(answer.user, "");
  EXPECT_EQ(answer.data, "");
  EXPECT_EQ(answer.expires_at, 0);
}

TEST(ReplyReader, OfTheOthers) {
  const auto subscribe =
      good(ProxyMethod::kSubscribe, R"({"result":{"info":1,"b64data":"eyJhIjoxfQ==","expire_at":9,)"
                                    R"("override":{"join_leave":{"value":false}}}})");
  EXPECT_EQ(subscribe.sub.info, "1");
  EXPECT_EQ(subscribe.sub.data, R"({"a":1})");
  EXPECT_EQ(subscribe.sub.join_leave, false);
  EXPECT_EQ(subscribe.expires_at, 9);
  const auto publish = good(ProxyMethod::kPublish, R"({"result":{"data":[1,)"
                                                   "\n"
                                                   R"(2],"skip_history":true}})");
  EXPECT_EQ(publish.data, "[1,2]");
  EXPECT_TRUE(publish.skip_history);
  EXPECT_TRUE(good(ProxyMethod::kRefresh, R"({"result":{"expired":true}})").expired);
  EXPECT_TRUE(good(ProxyMethod::kRefresh, R"({"result":{"info":{}}})").has_info);
  EXPECT_FALSE(good(ProxyMethod::kSubRefresh, R"({"result":{"expire_at":7}})").has_info);
}

TEST(ReplyReader, BytesAreForThoseWhoCanTakeThem) {
  EXPECT_EQ(good(ProxyMethod::kRpc, R"({"result":{"b64data":"AP8="}})", true).data,
            std::string("\x00\xff", 2));
  EXPECT_EQ(good(ProxyMethod::kRpc, R"({"result":{"b64data":"WzFd"}})").data, "[1]");
  ReplyReader reader;
  EXPECT_EQ(reader.read(ProxyMethod::kRpc, false, R"({"result":{"b64data":"AP8="}})").error(),
            ReplyFault::kBadData);
}

TEST(ReplyReader, RefusalsHaveACodeOfTheirRange) {
  const auto error = good(ProxyMethod::kRpc, R"({"error":{"code":400,"message":"no"}})");
  EXPECT_EQ(error.kind, Kind::kError);
  EXPECT_EQ(error.code, 400U);
  EXPECT_EQ(error.text, "no");
  EXPECT_FALSE(error.temporary);
  EXPECT_TRUE(good(ProxyMethod::kRpc, R"({"error":{"code":1999,"temporary":true}})").temporary);
  const auto out = good(ProxyMethod::kRpc, R"({"disconnect":{"code":4999,"reason":"bye"}})");
  EXPECT_EQ(out.kind, Kind::kDisconnect);
  EXPECT_EQ(out.text, "bye");
  EXPECT_NE(good(ProxyMethod::kRpc, R"({"disconnect":{"code":4000}})").text, "")
      << "SDKs take a code as final only with a reason";
}

struct Hostile {
  const char* text;
  ReplyFault fault;
  ProxyMethod method = ProxyMethod::kRpc;
};

class HostileReply : public testing::TestWithParam<Hostile> {};

TEST_P(HostileReply, IsRefused) {
  ReplyReader reader;
  const auto answer = reader.read(GetParam().method, false, GetParam().text);
  ASSERT_FALSE(answer.ok()) << GetParam().text;
  EXPECT_EQ(answer.error(), GetParam().fault) << GetParam().text;
  EXPECT_FALSE(reply_fault_text(answer.error()).empty());
  // It leaves nothing behind.
  EXPECT_TRUE(reader.read(ProxyMethod::kRpc, false, R"({"result":{}})").ok());
}

constexpr auto kConnect = ProxyMethod::kConnect;
constexpr auto kSubscribe = ProxyMethod::kSubscribe;

INSTANTIATE_TEST_SUITE_P(
    All, HostileReply,
    testing::Values(
        Hostile{"", ReplyFault::kNotJson}, Hostile{"null", ReplyFault::kNotJson},
        Hostile{"[]", ReplyFault::kNotJson}, Hostile{"\"x\"", ReplyFault::kNotJson},
        Hostile{"{", ReplyFault::kNotJson}, Hostile{"{} {}", ReplyFault::kNotJson},
        Hostile{"{\"result\":{\"data\":\"\xff\"}}", ReplyFault::kNotJson},
        Hostile{R"({"result":{},"result":{}})", ReplyFault::kNotJson},
        Hostile{"{}", ReplyFault::kNotOne}, Hostile{R"({"result":null})", ReplyFault::kNotOne},
        Hostile{R"({"result":[]})", ReplyFault::kNotOne},
        Hostile{R"({"result":1})", ReplyFault::kNotOne},
        Hostile{R"({"result":{"a":1,"a":2}})", ReplyFault::kNotOne},
        Hostile{R"({"result":{},"error":{"code":400}})", ReplyFault::kNotOne},
        Hostile{R"({"error":{"code":400},"disconnect":{"code":4000}})", ReplyFault::kNotOne},
        Hostile{R"({"error":{}})", ReplyFault::kBadCode},
        Hostile{R"({"error":{"code":"400"}})", ReplyFault::kBadCode},
        Hostile{R"({"error":{"code":-400}})", ReplyFault::kBadCode},
        Hostile{R"({"error":{"code":400.5}})", ReplyFault::kBadCode},
        Hostile{R"({"error":{"code":4e2}})", ReplyFault::kBadCode},
        Hostile{R"({"error":{"code":99999999999999999999}})", ReplyFault::kBadCode},
        Hostile{R"({"error":{"code":109}})", ReplyFault::kBadCode},
        Hostile{R"({"error":{"code":400,"message":7}})", ReplyFault::kBadText},
        Hostile{R"({"error":{"code":400,"message":"a\nb"}})", ReplyFault::kBadText},
        Hostile{R"({"error":{"code":400,"message":"a\u0000"}})", ReplyFault::kBadText},
        Hostile{R"({"error":{"code":400,"temporary":1}})", ReplyFault::kBadFlag},
        Hostile{R"({"disconnect":{"code":3500}})", ReplyFault::kBadCode},
        Hostile{R"({"disconnect":{"code":1000}})", ReplyFault::kBadCode},
        Hostile{R"({"disconnect":{"code":69536}})", ReplyFault::kBadCode},
        Hostile{R"({"disconnect":{"code":4000,"reason":"{\"reconnect\":true}"}})",
                ReplyFault::kBadText},
        Hostile{R"({"result":{"user":1}})", ReplyFault::kBadUser, kConnect},
        Hostile{R"({"result":{"expire_at":"x"}})", ReplyFault::kBadTime, kConnect},
        Hostile{R"({"result":{"expire_at":-1}})", ReplyFault::kBadTime, kConnect},
        Hostile{R"({"result":{"expire_at":1800000000000}})", ReplyFault::kBadTime, kConnect},
        Hostile{R"({"result":{"b64info":"!"}})", ReplyFault::kBadData, kConnect},
        Hostile{R"({"result":{"b64info":"WzE="}})", ReplyFault::kBadData, kConnect},
        Hostile{R"({"result":{"subs":[]}})", ReplyFault::kBadSubscriptions, kConnect},
        Hostile{R"({"result":{"subs":{"a":1}}})", ReplyFault::kBadSubscriptions, kConnect},
        Hostile{R"({"result":{"subs":{"":{}}}})", ReplyFault::kBadSubscriptions, kConnect},
        Hostile{R"({"result":{"subs":{"a.b":{}}}})", ReplyFault::kBadSubscriptions, kConnect},
        Hostile{R"({"result":{"channels":{}}})", ReplyFault::kBadSubscriptions, kConnect},
        Hostile{R"({"result":{"channels":[1]}})", ReplyFault::kBadSubscriptions, kConnect},
        Hostile{R"({"result":{"channels":["millrace"]}})", ReplyFault::kBadSubscriptions, kConnect},
        Hostile{R"({"result":{"override":{"presence":true}}})", ReplyFault::kBadSubscriptions,
                kSubscribe},
        Hostile{R"({"result":{"skip_history":"yes"}})", ReplyFault::kBadFlag,
                ProxyMethod::kPublish},
        Hostile{R"({"result":{"expired":0}})", ReplyFault::kBadFlag, ProxyMethod::kRefresh},
        Hostile{R"({"result":{"b64data":7}})", ReplyFault::kBadData}));

TEST(ReplyReader, DepthIsBounded) {
  ReplyReader reader;
  const std::string deep =
      R"({"result":{"data":)" + std::string(1'000, '[') + std::string(1'000, ']') + "}}";
  EXPECT_EQ(reader.read(ProxyMethod::kRpc, false, deep).error(), ReplyFault::kNotJson);
}

}  // namespace
}  // namespace millrace

#include "net/session/session.h"

#include <gtest/gtest.h>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

ClientShardOptions options() { return ShardWorld::insecure_options(); }

std::string subscribe(int id, const std::string& channel) {
  return R"({"id":)" + std::to_string(id) + R"(,"subscribe":{"channel":")" + channel + R"("}})";
}

std::string one_reply(ShardWorld& world, FileSlot file, const std::string& command) {
  world.send_text(file, command);
  const auto texts = world.texts(file);
  return texts.size() == 1 ? texts[0] : "replies: " + std::to_string(texts.size());
}

TEST(Session, AnswersConnectWithIdVersionAndPing) {
  ShardWorld world;
  const FileSlot file = world.open_websocket();
  world.send_text(file, R"({"id":7,"connect":{"name":"js"}})");
  const auto texts = world.texts(file);
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_TRUE(texts[0].starts_with(R"({"id":7,"connect":{"client":")")) << texts[0];
  EXPECT_NE(texts[0].find(R"("version":"test")"), std::string::npos);
  EXPECT_NE(texts[0].find(R"("ping":25,"pong":true)"), std::string::npos);
  EXPECT_EQ(world.metrics().clients, 1U);
}

TEST(Session, HandlesAWholeFrameOfCommandsInOrder) {
  ShardWorld world;
  const FileSlot file = world.open_websocket();
  world.send_text(file, R"({"id":1,"connect":{}})"
                        "\n" +
                            subscribe(2, "a") + "\n" + subscribe(3, "b") + "\n" +
                            subscribe(4, "a") + "\n");
  const auto texts = world.texts(file);
  ASSERT_EQ(texts.size(), 4U);
  EXPECT_EQ(texts[1], R"({"id":2,"subscribe":{}})");
  EXPECT_EQ(texts[2], R"({"id":3,"subscribe":{}})");
  EXPECT_NE(texts[3].find(R"("code":105)"), std::string::npos);
}

struct Refused {
  const char* frame;
  std::uint16_t code;
  bool connect_first;
};

class SessionRefuses : public testing::TestWithParam<Refused> {};

TEST_P(SessionRefuses, WithACodeAndAReason) {
  ShardWorld world;
  const FileSlot file = GetParam().connect_first ? world.open_client() : world.open_websocket();
  world.send_text(file, GetParam().frame);
  const auto frames = world.frames(file);
  ASSERT_FALSE(frames.empty());
  const ServerFrame& last = frames.back();
  ASSERT_EQ(last.opcode, Opcode::kClose);
  ASSERT_GT(last.payload.size(), 2U) << "SDKs take a code as terminal only with a reason";
  const auto code = static_cast<std::uint16_t>(static_cast<unsigned char>(last.payload[0]) << 8 |
                                               static_cast<unsigned char>(last.payload[1]));
  EXPECT_EQ(code, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    All, SessionRefuses,
    testing::Values(Refused{R"({"id":1,"subscribe":{"channel":"a"}})", 3501, false},
                    Refused{"{}", 3501, false}, Refused{"", 3501, false},
                    Refused{"not json", 3501, false}, Refused{"{}", 3501, true},
                    Refused{R"({"id":2,"connect":{}})", 3501, true},
                    Refused{R"({"id":2,"ping":{}})", 3501, true},
                    Refused{R"({"id":2,"nothing":{}})", 3501, true},
                    Refused{R"({"id":2,"subscribe":{}})", 3501, true},
                    Refused{R"({"id":2,"publish":{"data":1}})", 3501, true},
                    Refused{R"({"send":{"data":{}}})", 3508, true}));

TEST(Session, WithoutInsecureNobodyIsLetIn) {
  ClientShardOptions secure = options();
  secure.sessions.insecure = false;
  ShardWorld world(secure);
  const FileSlot without = world.open_websocket();
  world.send_text(without, R"({"id":1,"connect":{}})");
  EXPECT_EQ(world.close_code(without), 3501);
  const FileSlot with = world.open_websocket();
  world.send_text(with, R"({"id":1,"connect":{"token":"x.y.z"}})");
  EXPECT_EQ(world.close_code(with), 3500);
  EXPECT_EQ(world.metrics().clients, 0U);
}

TEST(Session, ErrorsHaveTheirCodes) {
  ShardWorld world;
  const FileSlot file = world.open_client();
  const auto expect = [&](const std::string& command, const char* code) {
    const std::string reply = one_reply(world, file, command);
    EXPECT_NE(reply.find(std::string(R"("code":)") + code), std::string::npos) << reply;
  };
  for (const char* bad : {"a.b", "a.b:c", "_x", "millrace:x", "game:", "game:a..b", ":x"}) {
    expect(subscribe(2, bad), "107");
  }
  expect(subscribe(2, std::string(256, 'x')), "107");
  EXPECT_EQ(one_reply(world, file, subscribe(2, std::string(255, 'x'))),
            R"({"id":2,"subscribe":{}})");
  expect(R"({"id":2,"publish":{"channel":"a"}})", "107");
  expect(R"({"id":2,"publish":{"channel":"a.b","data":1}})", "107");
  for (const char* method : {"presence", "presence_stats", "history", "rpc"}) {
    expect(std::string(R"({"id":2,")") + method + R"(":{"channel":"a"}})", "108");
  }
}

TEST(Session, NamespacesAreKnownOrInsecure) {
  ClientShardOptions some = options();
  some.sessions.namespaces.by_name["game"] = {};
  EXPECT_NE(some.sessions.find_namespace("other:x"), nullptr);
  some.sessions.insecure = false;
  EXPECT_EQ(some.sessions.find_namespace("other:x"), nullptr);
  EXPECT_EQ(some.sessions.find_namespace("plain"), nullptr);
  EXPECT_NE(some.sessions.find_namespace("game:x"), nullptr);
  some.sessions.namespaces.by_name["default"] = {};
  EXPECT_NE(some.sessions.find_namespace("plain"), nullptr);
}

TEST(Session, SubscriptionsOfAConnectionHaveALimit) {
  ClientShardOptions few = options();
  few.hub.channels_per_subscriber = 3;
  ShardWorld world(few);
  const FileSlot file = world.open_client();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(one_reply(world, file, subscribe(2, "c" + std::to_string(i))),
              R"({"id":2,"subscribe":{}})");
  }
  EXPECT_NE(one_reply(world, file, subscribe(2, "c3")).find(R"("code":106)"), std::string::npos);
  EXPECT_EQ(one_reply(world, file, R"({"id":3,"unsubscribe":{"channel":"c0"}})"),
            R"({"id":3,"unsubscribe":{}})");
  EXPECT_EQ(one_reply(world, file, subscribe(2, "c3")), R"({"id":2,"subscribe":{}})");
}

TEST(Session, PublicationsHaveALimit) {
  ClientShardOptions small = options();
  small.sessions.publication_bytes = 10;
  ShardWorld world(small);
  const FileSlot file = world.open_client();
  const auto publish = [&](std::size_t size) {
    return one_reply(
        world, file,
        R"({"id":5,"publish":{"channel":"a","data":")" + std::string(size - 2, 'x') + R"("}})");
  };
  EXPECT_EQ(publish(9), R"({"id":5,"publish":{}})");
  EXPECT_EQ(publish(10), R"({"id":5,"publish":{}})");
  EXPECT_NE(publish(11).find(R"("code":107)"), std::string::npos);
}

TEST(Session, ASubscriberHearsOthersAndItself) {
  ShardWorld world;
  const FileSlot a = world.open_client();
  const FileSlot b = world.open_client();
  for (const FileSlot file : {a, b}) world.send_text(file, subscribe(2, "room:1"));
  static_cast<void>(world.frames(a));
  static_cast<void>(world.frames(b));
  world.send_text(a, R"({"id":3,"publish":{"channel":"room:1","data":{ "x" : 1.50 }}})");
  const auto heard = world.texts(b);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_NE(heard[0].find(R"("data":{ "x" : 1.50 })"), std::string::npos) << "byte for byte";
  EXPECT_NE(heard[0].find(R"("info":{)"), std::string::npos);
  EXPECT_EQ(world.texts(a).size(), 2U);  // its own publication and the reply

  world.send_text(b, R"({"id":4,"unsubscribe":{"channel":"room:1"}})");
  static_cast<void>(world.frames(b));
  world.send_text(a, R"({"id":5,"publish":{"channel":"room:1","data":1}})");
  EXPECT_TRUE(world.texts(b).empty());
}

// Two shards: a channel that the other one owns is pending until that shard has turned.
TEST(Session, AnUnsubscribeAnswersThePendingSubscribeFirst) {
  ShardWorld world(options(), 2);
  const FileSlot file = world.open_client();
  for (int i = 0; i < 16; ++i) {
    const std::string channel = "c" + std::to_string(i);
    world.send_text(file, subscribe(2, channel) + "\n" + R"({"id":3,"unsubscribe":{"channel":")" +
                              channel + R"("}})" + "\n" + subscribe(4, channel));
    const auto texts = world.texts(file);
    ASSERT_EQ(texts.size(), 3U);
    EXPECT_EQ(texts[0], R"({"id":2,"subscribe":{}})");
    EXPECT_EQ(texts[1], R"({"id":3,"unsubscribe":{}})");
    EXPECT_EQ(texts[2], R"({"id":4,"subscribe":{}})");
  }
  EXPECT_EQ(world.metrics().subscriptions, 16U);
}

TEST(Session, ClosesWhoDoesNotConnect) {
  ShardWorld world;
  const FileSlot file = world.open_websocket();
  world.advance(milliseconds(9'990));
  EXPECT_EQ(world.close_code(file), 0);
  world.advance(milliseconds(20));
  EXPECT_EQ(world.close_code(file), 3502);
  world.advance(seconds(6));  // it does not answer the close frame either
  EXPECT_FALSE(world.ring().is_open(file));
}

TEST(Session, PingsAndClosesWhoDoesNotAnswer) {
  ShardWorld world;
  const FileSlot answers = world.open_client();
  const FileSlot silent = world.open_client();
  std::set<std::uint16_t> codes;
  int pings = 0;
  for (int second = 0; second < 120; ++second) {
    world.advance(seconds(1));
    for (const ServerFrame& frame : world.frames(answers)) {
      ASSERT_EQ(frame.payload, "{}");
      ++pings;
      world.send_text(answers, "{}");
    }
    const std::uint16_t code = world.close_code(silent);
    if (code != 0) {
      codes.insert(code);
      EXPECT_GE(second, 12 + 7);
      EXPECT_LE(second, 25 + 9);
    }
  }
  EXPECT_GE(pings, 4);
  EXPECT_LE(pings, 6);
  EXPECT_EQ(codes, std::set<std::uint16_t>{3012});
  EXPECT_TRUE(world.ring().is_open(answers));
}

// A turn of eleven seconds: what a pong's deadline says then is the shard's doing.
TEST(Session, AShardThatIsLateBlamesNobody) {
  ShardWorld world;
  const FileSlot file = world.open_client();
  for (int second = 0; second < 30 && world.frames(file).empty(); ++second) {
    world.advance(seconds(1));
  }
  world.advance(seconds(11));
  EXPECT_EQ(world.close_code(file), 0);
  world.advance(milliseconds(7'900));
  EXPECT_EQ(world.close_code(file), 0);
  world.advance(milliseconds(200));
  EXPECT_EQ(world.close_code(file), 3012);
}

TEST(Session, PingsByFrameWhereTheClientAskedForIt) {
  ShardWorld world;
  const FileSlot file = world.open_websocket(0, "?cf_ws_frame_ping_pong=true");
  world.send_text(file, R"({"id":1,"connect":{}})");
  const auto connect = world.texts(file);
  ASSERT_EQ(connect.size(), 1U);
  EXPECT_EQ(connect[0].find("ping"), std::string::npos) << connect[0];
  int pings = 0;
  for (int second = 0; second < 60; ++second) {
    world.advance(seconds(1));
    for (const ServerFrame& frame : world.frames(file)) {
      ASSERT_EQ(frame.opcode, Opcode::kPing);
      ++pings;
      world.send(file, client_frame(Opcode::kPong, ""));
    }
  }
  EXPECT_GE(pings, 2);
  EXPECT_TRUE(world.ring().is_open(file));
}

TEST(Session, SaysGoodbyeWhenTheServerDrains) {
  ShardWorld world;
  const FileSlot file = world.open_client();
  world.begin_drain();
  EXPECT_EQ(world.close_code(file), 3001);
  world.send(file, client_close_frame(3001, ""));
  EXPECT_FALSE(world.ring().is_open(file));
  EXPECT_TRUE(world.shard().drained());
}

TEST(Session, WithoutItsBrokerAPublicationIsATemporaryErrorAndASubscriptionHolds) {
  ClientShardOptions away = options();
  away.nats.emplace();
  away.nats->urls = {"nats://127.0.0.1:1"};  // nobody listens there
  ShardWorld world(away);
  const FileSlot file = world.open_client();
  EXPECT_EQ(one_reply(world, file, subscribe(2, "news")), R"({"id":2,"subscribe":{}})");
  const std::string refused =
      one_reply(world, file, R"({"id":3,"publish":{"channel":"news","data":1}})");
  EXPECT_TRUE(refused.starts_with(R"({"id":3,"error":{"code":100,)")) << refused;
  EXPECT_NE(refused.find(R"("temporary":true)"), std::string::npos) << refused;
  EXPECT_TRUE(world.ring().is_open(file));
}

}  // namespace
}  // namespace millrace

// Who is let in, and for how long.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/session_world.h"

namespace millrace {
namespace {

using World = SessionWorld;

TEST(SessionConnect, AGoodTokenTellsWhenItEnds) {
  World world;
  const FileSlot file = world.open_websocket();
  const std::string reply = world.ask(file, World::connect(world.token("anna", 60)));
  EXPECT_TRUE(holds(reply, R"("expires":true,"ttl":60,)")) << reply;
  EXPECT_EQ(world.metrics().clients, 1U);
  const FileSlot for_ever = world.open_websocket();
  const std::string lasting = world.ask(for_ever, World::connect(World::lasting("anna")));
  EXPECT_FALSE(holds(lasting, "expires")) << lasting;
}

struct Refused {
  const char* name;
  std::string command;
  std::string answer;
};
std::ostream& operator<<(std::ostream& out, const Refused& one) { return out << one.name; }

class SessionRefusesToConnect : public testing::TestWithParam<Refused> {};

TEST_P(SessionRefusesToConnect, WithItsCode) {
  World world;
  const FileSlot file = world.open_websocket();
  EXPECT_EQ(world.ask(file, GetParam().command), GetParam().answer);
  EXPECT_EQ(world.metrics().clients, 0U);
}

const char* const kExpired = R"({"id":1,"error":{"code":109,"message":"token expired"}})";
const char* const kInvalid = "3500 invalid token";

INSTANTIATE_TEST_SUITE_P(
    All, SessionRefusesToConnect,
    testing::Values(
        Refused{"NoToken", R"({"id":1,"connect":{}})", "3501 bad request"},
        Refused{"Expired", World::connect(World::lasting("anna", R"(,"exp":1799999999)")),
                kExpired},
        Refused{"ExpiresNow", World::connect(World::lasting("anna", R"(,"exp":1800000000)")),
                kExpired},
        Refused{"GrantIsOver", World::connect(World::lasting("anna", R"(,"expire_at":1800000000)")),
                R"({"id":1,"error":{"code":110,"message":"expired"}})"},
        Refused{"NotSigned", World::connect("e30.e30."), kInvalid},
        Refused{"OtherSecret",
                World::connect(sign_hs256(R"({"alg":"HS256"})", R"({"sub":"anna"})",
                                          std::string(40, 'x'))),
                kInvalid},
        Refused{"ForAChannel", World::connect(World::lasting("anna", R"(,"channel":"news")")),
                kInvalid},
        Refused{"NotYet", World::connect(World::lasting("anna", R"(,"nbf":1800000001)")), kInvalid},
        Refused{"UserTooLong", World::connect(World::lasting(std::string(256, 'u'))), kInvalid},
        Refused{"UnknownNamespace",
                World::connect(World::lasting("anna", R"(,"channels":["news","none:x"])")),
                R"({"id":1,"error":{"code":102,"message":"unknown channel"}})"},
        Refused{"BinaryChannelOverJson",
                World::connect(World::lasting("anna", R"(,"channels":["bin:x"])")),
                R"({"id":1,"error":{"code":108,"message":"not available"}})"}),
    [](const auto& one) { return std::string(one.param.name); });

// The reference's SDKs close it themselves and come back with a new token.
TEST(SessionConnect, AfterAnErrorNothingIsHandledAndItIsClosedInTheEnd) {
  World world;
  const FileSlot file = world.open_websocket();
  const std::string expired = World::connect(World::lasting("anna", R"(,"exp":5)"));
  EXPECT_EQ(world.ask(file, expired + "\n" + World::subscribe(2, "news")), kExpired);
  EXPECT_EQ(world.ask(file, World::connect(World::lasting("anna"))), "");
  EXPECT_EQ(world.ask(file, "not json"), "");
  world.advance(seconds(10));
  EXPECT_EQ(world.heard(file), "3502 stale");
}

TEST(SessionConnect, AnonymousIfTheConfigurationOrTheTokenSaysSo) {
  World world;
  EXPECT_TRUE(world.ring().is_open(world.open_as("")));
  ClientShardOptions options = World::options();
  options.sessions.allow_anonymous = true;
  World open(options);
  const FileSlot file = open.open_client();
  EXPECT_EQ(open.ask(file, World::subscribe(2, "news")), R"({"id":2,"subscribe":{}})");
  EXPECT_TRUE(holds(open.ask(file, World::subscribe(3, "members:1")), R"("code":103)"))
      << "there only users get in";
  const FileSlot wrong = open.open_websocket();
  EXPECT_EQ(open.ask(wrong, World::connect("x.y.z")), kInvalid) << "a token that is there counts";
}

TEST(SessionConnect, InsecureNeedsNoKeysAndNothingExpires) {
  ClientShardOptions options = World::options();
  options.sessions.insecure = true;
  {
    World world(options);
    const FileSlot file = world.open_websocket();
    const std::string reply = world.ask(file, World::connect(world.token("anna", 60)));
    EXPECT_FALSE(holds(reply, "expires")) << reply;
    const FileSlot wrong = world.open_websocket();
    EXPECT_EQ(world.ask(wrong, World::connect("x.y.z")), kInvalid);
  }
  options.token_keys = std::make_shared<const TokenKeys>();
  World world(options);
  EXPECT_TRUE(world.ring().is_open(world.open_with("x.y.z")));
}

TEST(SessionConnect, WithoutKeysNoTokenIsGood) {
  ClientShardOptions options = World::options();
  options.token_keys = std::make_shared<const TokenKeys>();
  World world(options);
  const FileSlot file = world.open_websocket();
  EXPECT_EQ(world.ask(file, World::connect(World::lasting("anna"))), kInvalid);
}

TEST(SessionConnect, ConnectsOnce) {
  World world;
  const FileSlot file = world.open_as("anna");
  EXPECT_EQ(world.ask(file, World::connect(World::lasting("anna"))), "3501 bad request");
}

// --- expiry --------------------------------------------------------------------------------------

// Answers the pings of `span`; what else it hears.
std::string live(World& world, FileSlot file, int seconds_of_it) {
  std::string heard;
  for (int i = 0; i < seconds_of_it; ++i) {
    world.advance(seconds(1));
    for (std::string text = world.heard(file); !text.empty(); text = world.heard(file)) {
      if (text == "{}") {
        world.send_text(file, "{}");
      } else {
        heard += std::to_string(i + 1) + ": " + text + "\n";
      }
    }
  }
  return heard;
}

TEST(SessionConnect, ExpiresAfterTheGrace) {
  World world;
  const FileSlot file = world.open_with(world.token("anna", 20));
  EXPECT_EQ(live(world, file, 44), "");
  EXPECT_EQ(live(world, file, 5), "1: 3005 connection expired\n") << "20 s and 25 s of grace";
}

TEST(SessionConnect, ARefreshExtendsItAlsoInTheGrace) {
  World world;
  const FileSlot file = world.open_with(world.token("anna", 20));
  EXPECT_EQ(live(world, file, 30), "");
  const std::string reply =
      world.ask(file, R"({"id":2,"refresh":{"token":")" + world.token("anna", 40) + R"("}})");
  EXPECT_TRUE(holds(reply, R"({"id":2,"refresh":{"client":")")) << reply;
  EXPECT_TRUE(holds(reply, R"("expires":true,"ttl":40)")) << reply;
  EXPECT_EQ(live(world, file, 64), "");
  EXPECT_EQ(live(world, file, 5), "1: 3005 connection expired\n");
}

TEST(SessionConnect, ARefreshWithoutAnEndEndsTheEnd) {
  World world;
  const FileSlot file = world.open_with(world.token("anna", 20));
  const std::string reply =
      world.ask(file, R"({"id":2,"refresh":{"token":")" + World::lasting("anna") + R"("}})");
  EXPECT_TRUE(holds(reply, R"({"id":2,"refresh":{)")) << reply;
  EXPECT_FALSE(holds(reply, "expires")) << reply;
  EXPECT_EQ(live(world, file, 300), "");
}

TEST(SessionConnect, ARefreshMayEndIt) {
  World world;
  const auto refresh = [&world](const std::string& token) {
    const FileSlot file = world.open_with(world.token("anna", 60));
    return world.ask(file, R"({"id":2,"refresh":{"token":")" + token + R"("}})");
  };
  EXPECT_EQ(refresh(""), "3501 bad request");
  EXPECT_EQ(refresh("x.y.z"), kInvalid);
  EXPECT_EQ(refresh(world.token("bert", 60)), kInvalid);
  EXPECT_EQ(refresh(world.token("anna", -1)), "3005 connection expired");
  EXPECT_EQ(refresh(World::lasting("anna", R"(,"expire_at":5)")),
            R"({"id":2,"error":{"code":110,"message":"expired"}})");
  EXPECT_EQ(refresh(World::lasting("anna", R"(,"channels":["news"])")), "3010 insufficient state");
}

TEST(SessionConnect, ARefreshKeepsTheChannelsThatTheTokenGave) {
  World world;
  const FileSlot file = world.open_with(World::lasting("anna", R"(,"channels":["news"])"));
  const std::string token = World::lasting("anna", R"(,"channels":["news"],"info":{"n":2})");
  EXPECT_TRUE(holds(world.ask(file, R"({"id":2,"refresh":{"token":")" + token + R"("}})"),
                    R"({"id":2,"refresh":{)"));
  const std::string heard = world.ask(file, World::publish(3, "news", "1"));
  EXPECT_TRUE(holds(heard, R"("conn_info":{"n":2})")) << heard;
}

TEST(SessionConnect, ARefreshWithFewerChannelsBringsItBack) {
  for (const char* fewer : {R"(,"channels":["news"])", ""}) {
    World world;
    const FileSlot file = world.open_with(World::lasting("anna", R"(,"channels":["news","own"])"));
    static_cast<void>(world.ask(file, World::subscribe(2, "of:mine")));
    const auto refresh = [&](const char* channels) {
      return world.ask(
          file, R"({"id":3,"refresh":{"token":")" + World::lasting("anna", channels) + R"("}})");
    };
    EXPECT_TRUE(holds(refresh(R"(,"channels":["own","news"])"), R"({"id":3,"refresh":{)"));
    EXPECT_EQ(refresh(fewer), "3010 insufficient state");
  }
}

// SDKs refresh at once if there is an end and no time until then.
TEST(SessionConnect, AnEndThatIsTooFarAheadIsNone) {
  World world;
  constexpr std::int64_t kAges = 5'000'000'000;
  const FileSlot file = world.open_with(world.token("anna", 20));
  std::string reply =
      world.ask(file, R"({"id":2,"refresh":{"token":")" + world.token("anna", kAges) + R"("}})");
  EXPECT_TRUE(holds(reply, R"({"id":2,"refresh":{)")) << reply;
  EXPECT_FALSE(holds(reply, "expires")) << reply;
  const std::string far = world.token("anna", kAges, R"(,"channel":"news")");
  reply = world.ask(file, World::subscribe(3, "news", World::with_token(far)));
  EXPECT_EQ(reply, R"({"id":3,"subscribe":{}})");
  reply = world.ask(file, R"({"id":4,"sub_refresh":{"channel":"news","token":")" + far + R"("}})");
  EXPECT_TRUE(holds(reply, R"({"id":4,"sub_refresh":{)")) << reply;
  EXPECT_FALSE(holds(reply, "expires")) << reply;
}

TEST(SessionConnect, WithoutKeysThereIsNoRefresh) {
  ClientShardOptions options = World::options();
  options.token_keys = std::make_shared<const TokenKeys>();
  options.sessions.allow_anonymous = true;
  World world(options);
  const FileSlot file = world.open_client();
  EXPECT_TRUE(holds(world.ask(file, R"({"id":2,"refresh":{"token":"x.y.z"}})"), R"("code":108)"));
}

// --- how many ------------------------------------------------------------------------------------

TEST(SessionConnect, ConnectionsOfAUserHaveALimitOverAllShards) {
  World world(World::options(), 2, 2);
  const FileSlot first = world.open_as("anna", 0);
  static_cast<void>(world.open_as("anna", 1));
  const FileSlot third = world.open_websocket(1);
  EXPECT_EQ(world.ask(third, World::connect(World::lasting("anna")), 1), "3504 connection limit");
  EXPECT_TRUE(world.ring(1).is_open(world.open_as("bert", 1)));
  for (int i = 0; i < 5; ++i) static_cast<void>(world.open_as("", 0));  // nobody in particular
  world.ring(0).client_close(first);
  world.turn();
  EXPECT_TRUE(world.ring(1).is_open(world.open_as("anna", 1))) << "the place was given back";
}

// --- ordering ------------------------------------------------------------------------------------

TEST(SessionConnect, WhatStandsBehindConnectInTheSameFrameIsHandledAfterIt) {
  World world;
  const FileSlot file = world.open_websocket();
  const std::string heard =
      world.ask(file, World::connect(World::lasting("anna")) + "\n" + World::subscribe(2, "news") +
                          "\n" + World::publish(3, "news", "1"));
  EXPECT_TRUE(heard.starts_with(R"({"id":1,"connect":{)")) << heard;
  EXPECT_LT(heard.find(R"({"id":2,"subscribe":{}})"), heard.find(R"("push")"));
  EXPECT_LT(heard.find(R"("push")"), heard.find(R"({"id":3,"publish":{}})"));
}

// One more than a turn verifies, and another after that.
TEST(SessionConnect, OverTheBudgetOfATurnAllGetInAndInOrder) {
  ClientShardOptions options = World::options();
  options.recv_buffers = 256;
  World world(options);
  constexpr std::size_t kClients = 2 * WaitingSessions::kVerificationsATurn + 2;
  std::vector<FileSlot> files;
  for (std::size_t i = 0; i < kClients; ++i) files.push_back(world.open_websocket());
  const std::string all = World::connect(World::lasting("anna")) + "\n" +
                          World::subscribe(2, "news") + "\n" + World::publish(3, "news", "1");
  set_this_shard(ShardId{0});
  for (const FileSlot file : files) {
    world.ring().client_send(file, client_frame(Opcode::kText, all));
  }
  for (const FileSlot file : files) {  // in a frame of its own
    world.ring().client_send(file, client_frame(Opcode::kText, World::subscribe(4, "more")));
  }
  for (int turn = 0; turn < 12 && world.metrics().clients == 0; ++turn) world.turn_one(0);
  EXPECT_EQ(world.metrics().clients, WaitingSessions::kVerificationsATurn);
  world.turn();
  EXPECT_EQ(world.metrics().clients, kClients);
  for (const FileSlot file : files) {
    const std::string heard = world.heard(file);
    EXPECT_TRUE(heard.starts_with(R"({"id":1,"connect":{)")) << heard;
    const std::size_t subscribed = heard.find(R"({"id":2,"subscribe":{}})");
    const std::size_t published = heard.find(R"({"id":3,"publish":{}})");
    const std::size_t more = heard.find(R"({"id":4,"subscribe":{}})");
    EXPECT_LT(subscribed, published) << heard;
    EXPECT_LT(published, more) << heard;
    EXPECT_NE(more, std::string::npos) << heard;
  }
}

// The same of tokens that come later.
TEST(SessionConnect, OneFrameWithManyTokensTakesTurns) {
  World world;
  const FileSlot file = world.open_as("anna");
  constexpr int kTokens = WaitingSessions::kVerificationsATurn + 10;
  std::string frame;
  for (int i = 0; i < kTokens; ++i) {
    const std::string channel = "c" + std::to_string(i);
    frame += World::subscribe(
                 i + 2, channel,
                 World::with_token(World::lasting("anna", R"(,"channel":")" + channel + "\""))) +
             "\n";
  }
  world.ring().client_send(file, client_frame(Opcode::kText, frame));
  world.turn();
  const std::string heard = world.heard(file);
  for (int i = 0; i < kTokens; ++i) {
    EXPECT_TRUE(holds(heard, R"({"id":)" + std::to_string(i + 2) + R"(,"subscribe":{)")) << i;
  }
  EXPECT_EQ(world.metrics().subscriptions, static_cast<std::uint64_t>(kTokens));
}

}  // namespace
}  // namespace millrace

#include "net/server/client_app.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr Bytes kKey = "X-API-Key: 0123456789abcdef\r\n";

std::string post(const std::string& body, Bytes fields = kKey) {
  return "POST /api/publish HTTP/1.1\r\nHost: a\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string ask(ShardWorld& world, const std::string& request) {
  const FileSlot file = world.connect();
  world.send(file, request);
  return world.ring().take_sent(file);
}

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

TEST(ClientApp, PublishesToSubscribers) {
  ShardWorld world;
  const FileSlot subscriber = world.open_client();
  world.send_text(subscriber, R"({"id":2,"subscribe":{"channel":"news"}})");
  static_cast<void>(world.frames(subscriber));
  const std::string answer = ask(world, post(R"({"channel":"news","data":{"n": 1}})"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), R"({"result":{}})");
  EXPECT_EQ(world.texts(subscriber),
            std::vector<std::string>{R"({"push":{"channel":"news","pub":{"data":{"n": 1}}}})"});
  EXPECT_EQ(world.metrics().api_publishes_total, 1U);
}

TEST(ClientApp, TakesTheKeyInEitherField) {
  ShardWorld world;
  const std::string body = R"({"channel":"a","data":1})";
  for (const char* right : {"X-API-Key: 0123456789abcdef\r\n", "x-api-key: 0123456789abcdef\r\n",
                            "Authorization: apikey 0123456789abcdef\r\n"}) {
    EXPECT_EQ(body_of(ask(world, post(body, right))), R"({"result":{}})") << right;
  }
  for (const char* wrong :
       {"", "X-API-Key: \r\n", "X-API-Key: 0123456789abcdeF\r\n", "X-API-Key: 0123456789abcde\r\n",
        "X-API-Key: 0123456789abcdef0\r\n", "Authorization: 0123456789abcdef\r\n",
        "Authorization: Bearer 0123456789abcdef\r\n", "Authorization: apikey \r\n",
        "X-API-Key: 0123456789abcdef\r\nX-API-Key: 0123456789abcdef\r\n"}) {
    EXPECT_TRUE(ask(world, post(body, wrong)).starts_with("HTTP/1.1 401")) << wrong;
  }
  EXPECT_EQ(world.metrics().api_publishes_total, 3U);
}

TEST(ClientApp, WithoutAConfiguredKeyTheApiIsOff) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.app.api_key.clear();
  ShardWorld world(options);
  for (const char* fields : {"", "X-API-Key: \r\n", "Authorization: apikey \r\n"}) {
    const std::string answer = ask(world, post(R"({"channel":"a","data":1})", fields));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
    EXPECT_NE(answer.find("[api] key"), std::string::npos) << "the fix is named";
  }
}

TEST(ClientApp, OnlyPostPublishes) {
  ShardWorld world;
  for (const char* method : {"GET", "PUT", "DELETE", "HEAD"}) {
    const std::string answer =
        ask(world, std::string(method) + " /api/publish HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405")) << answer;
    EXPECT_NE(answer.find("Allow: POST\r\n"), std::string::npos);
  }
}

struct BadPublish {
  const char* body;
  const char* answer;  // a part of it
};

class ClientAppRefuses : public testing::TestWithParam<BadPublish> {};

TEST_P(ClientAppRefuses, ABadPublish) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.sessions.publication_bytes = 10;
  ShardWorld world(options);
  const std::string answer = ask(world, post(GetParam().body));
  EXPECT_NE(answer.find(GetParam().answer), std::string::npos) << answer;
  EXPECT_EQ(world.metrics().api_publishes_total, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All, ClientAppRefuses,
    testing::Values(
        BadPublish{"", "HTTP/1.1 400"}, BadPublish{"{", "HTTP/1.1 400"},
        BadPublish{"not json", "HTTP/1.1 400"}, BadPublish{"[]", "HTTP/1.1 400"},
        BadPublish{"1", "HTTP/1.1 400"}, BadPublish{"{}{}", "HTTP/1.1 400"},
        BadPublish{R"({"channel":1,"data":1})", "HTTP/1.1 400"},
        BadPublish{R"({"channel":"a"})", R"("code":107)"},
        BadPublish{R"({"data":1})", R"("code":107)"},
        BadPublish{R"({"channel":"","data":1})", R"("code":107)"},
        BadPublish{R"({"channel":"a.b","data":1})", R"("code":107)"},
        BadPublish{R"({"channel":"millrace:x","data":1})", R"("code":107)"},
        BadPublish{R"({"channel":"a","data":"123456789"})", R"("code":107)"},
        // Nothing may step out of the envelope that it is put into.
        BadPublish{R"({"channel":"a","data":1},"subscribe":{"channel":"b"})", "HTTP/1.1 400"},
        BadPublish{R"({}} {"id":2,"publish":{"channel":"a","data":1})", "HTTP/1.1 400"}));

TEST(ClientApp, APublicationHasALimit) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.sessions.publication_bytes = 10;
  ShardWorld world(options);
  for (const std::size_t size : {9U, 10U, 11U}) {
    const std::string data = "\"" + std::string(size - 2, 'x') + "\"";
    const std::string answer = ask(world, post(R"({"channel":"a","data":)" + data + "}"));
    EXPECT_EQ(body_of(answer) == R"({"result":{}})", size <= 10) << answer;
  }
}

TEST(ClientApp, AChannelNeedsItsNamespace) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.sessions.insecure = false;
  options.sessions.namespaces.by_name["game"] = {};
  ShardWorld world(options);
  EXPECT_EQ(body_of(ask(world, post(R"({"channel":"game:1","data":1})"))), R"({"result":{}})");
  EXPECT_NE(ask(world, post(R"({"channel":"other:1","data":1})")).find(R"("code":102)"),
            std::string::npos);
}

TEST(ClientApp, TellsStrangersWhereToGo) {
  ShardWorld world;
  EXPECT_TRUE(ask(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(ask(world, "POST / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(ask(world, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 404"));
}

TEST(ClientApp, RefusesAnUpgradeByReason) {
  ShardWorld world;
  const std::string handshake = ShardWorld::handshake();
  const std::size_t end = handshake.size() - 2;
  const auto count = [&](RejectReason reason) {
    return world.metrics().rejected_total[static_cast<std::size_t>(reason)];
  };
  EXPECT_TRUE(ask(world, handshake.substr(0, end) + "Origin: https://evil.example\r\n\r\n")
                  .starts_with("HTTP/1.1 403"));
  EXPECT_EQ(count(RejectReason::kOrigin), 1U);
  EXPECT_TRUE(ask(world, handshake + "early").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(ask(world, "GET /connection/websocket HTTP/1.1\r\nHost: a\r\n\r\n")
                  .starts_with("HTTP/1.1 426"));
  EXPECT_EQ(count(RejectReason::kHandshake), 2U);
  EXPECT_EQ(count(RejectReason::kOrigin), 1U);
}

// Port 1: nobody listens there.
ClientShardOptions with_a_broker_that_is_away() {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.nats.emplace();
  options.nats->urls = {"nats://127.0.0.1:1"};
  return options;
}

// With a small queue the 101 did not fit behind the answer, and the client was told goodbye in
// frames that it knew nothing of.
TEST(ClientApp, RefusesAnUpgradeBehindAnAnswerThatIsNotSentYet) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.connections.queue_bytes = 300;
  ShardWorld world(options);
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string answer = ask(world, request + ShardWorld::handshake());
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("HTTP/1.1 400 Bad Request\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("HTTP/1.1 101"), std::string::npos) << answer;
  // Once the answer is sent, the same connection may be upgraded.
  const FileSlot file = world.connect();
  world.send(file, request);
  EXPECT_TRUE(world.ring().take_sent(file).starts_with("HTTP/1.1 200"));
  world.send(file, ShardWorld::handshake());
  EXPECT_TRUE(world.ring().take_sent(file).starts_with("HTTP/1.1 101"));
}

// Frames that come in the turn of the handshake may overflow the queue; what is dropped then is not
// the 101.
TEST(ClientApp, NoGoodbyeOvertakesThe101) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.connections.queue_bytes = 300;
  ShardWorld world(options);
  const FileSlot file = world.connect();
  // A busy connection gets one piece after the other in one turn.
  world.make_busy(file, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  world.ring().client_send(file, ShardWorld::handshake());
  world.ring().client_send(file, client_frame(Opcode::kText, R"({"id":1,"connect":{}})"));
  for (int i = 0; i < 8; ++i) {
    world.ring().client_send(file, client_frame(Opcode::kText, R"({"id":2,"rpc":{}})"));
  }
  world.turn();
  const std::string sent = world.ring().take_sent(file);
  ASSERT_TRUE(sent.starts_with("HTTP/1.1 101")) << sent;
  const std::vector<ServerFrame> frames = ShardWorld::parse(body_of(sent));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].opcode, Opcode::kClose);
  EXPECT_EQ(frames[0].payload, "\x0b\xc0slow");
}

TEST(ClientApp, WithoutItsBrokerAPublicationMayBeTriedAgain) {
  ShardWorld world(with_a_broker_that_is_away());
  const std::string answer = ask(world, post(R"({"channel":"news","data":1})"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(body_of(answer).starts_with(R"({"error":{"code":100,)")) << answer;
  EXPECT_NE(answer.find("the broker is away; try again"), std::string::npos) << answer;
  EXPECT_EQ(world.metrics().broker_publish_failures_total, 1U);
}

}  // namespace
}  // namespace millrace

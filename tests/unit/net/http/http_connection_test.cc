#include "net/http/http_connection.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

std::string get(const std::string& path = "/", const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string publish(const std::string& channel) {
  const std::string body = R"({"channel":")" + channel + R"(","data":1})";
  return "POST /api/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: "
         "0123456789abcdef\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::size_t count(Bytes text, Bytes part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != Bytes::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// Two shards, and a connection to the first with a publication on its way to the second: its answer
// is due, and comes when the world turns.
class HttpConnectionAnswersLater : public testing::Test {
 protected:
  HttpConnectionAnswersLater() : world_(ShardWorld::insecure_options(), 2) {
    file_ = world_.connect();
    // Names hash by a key of the process; among these some are owned by the other shard.
    for (int i = 0; i < 64 && far_.empty(); ++i) {
      const std::string name = "c" + std::to_string(i);
      begin(publish(name));
      if (world_.ring().sent(file_).empty()) far_ = name;
      world_.turn();
      static_cast<void>(world_.ring().take_sent(file_));
    }
    CHECK(!far_.empty());
  }
  // The first shard takes the bytes; the second does not turn.
  void begin(Bytes bytes) {
    set_this_shard(ShardId{0});
    world_.ring().client_send(file_, bytes);
    for (int i = 0; i < 3; ++i) world_.shard().reactor().turn(Duration{});
  }
  std::string answers() {
    world_.turn();
    return world_.ring().take_sent(file_);
  }

  ShardWorld world_;
  FileSlot file_;
  std::string far_;  // a channel that the second shard owns
};

TEST(HttpConnection, KeepsAliveUntilTheClientSaysOtherwise) {
  ShardWorld world;
  const FileSlot file = world.connect();
  for (int i = 0; i < 3; ++i) {
    world.send(file, get());
    const std::string answer = world.ring().take_sent(file);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_EQ(answer.find("Connection:"), std::string::npos);
    EXPECT_TRUE(world.ring().is_open(file));
  }
  world.send(file, get("/", "Connection: close\r\n"));
  EXPECT_NE(world.ring().take_sent(file).find("Connection: close\r\n"), std::string::npos);
  world.ring().client_close(file);
  world.turn();
  EXPECT_FALSE(world.ring().is_open(file));
}

TEST(HttpConnection, AnHttp10RequestIsAnsweredAndClosed) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.send(file, "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_NE(world.ring().take_sent(file).find("Connection: close\r\n"), std::string::npos);
  world.advance(milliseconds(1'010));
  EXPECT_FALSE(world.ring().is_open(file));
}

TEST(HttpConnection, HeadHasTheFieldsOfGetAndNoBody) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.send(file, get());
  const std::string full = world.ring().take_sent(file);
  world.send(file, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(world.ring().take_sent(file), full.substr(0, full.find("\r\n\r\n") + 4));
}

TEST(HttpConnection, PipelinedRequestsAreAnsweredInOrder) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.send(file, get() + get("/nothing") + get() + get("/nothing").substr(0, 10));
  const std::string answers = world.ring().take_sent(file);
  EXPECT_EQ(count(answers, "HTTP/1.1 200"), 2U);
  EXPECT_EQ(count(answers, "HTTP/1.1 404"), 1U);
  EXPECT_LT(answers.find("200"), answers.find("404"));
  EXPECT_LT(answers.find("404"), answers.rfind("200"));
  world.send(file, get("/nothing").substr(10));
  EXPECT_EQ(count(world.ring().take_sent(file), "HTTP/1.1 404"), 1U);
}

TEST(HttpConnection, NothingIsReadBehindARequestThatCloses) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.send(file, get("/", "Connection: close\r\n") + get());
  EXPECT_EQ(count(world.ring().take_sent(file), "HTTP/1.1 "), 1U);
}

TEST(HttpConnection, WhatIsNoRequestIsRefusedAndDropped) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.send(file, "\x16\x03\x01 this is TLS\r\n\r\n");
  EXPECT_TRUE(world.ring().take_sent(file).starts_with("HTTP/1.1 400"));
  world.send(file, get());
  EXPECT_EQ(world.ring().sent(file), "");
  EXPECT_EQ(world.metrics().rejected_total[static_cast<std::size_t>(RejectReason::kHandshake)], 1U);
  world.advance(milliseconds(1'010));
  EXPECT_FALSE(world.ring().is_open(file));
}

// --- An answer that comes later -----------------------------------------------------------------

TEST_F(HttpConnectionAnswersLater, RequestsBehindItWait) {
  begin(publish(far_) + get() + publish(far_) + get("/nothing"));
  EXPECT_EQ(world_.ring().sent(file_), "");
  begin("GE");
  EXPECT_EQ(world_.ring().unread(file_), 2U) << "nothing is read meanwhile";
  const std::string all = answers();
  EXPECT_EQ(count(all, "HTTP/1.1 200"), 3U) << all;
  EXPECT_EQ(count(all, R"({"result":{}})"), 2U);
  EXPECT_EQ(count(all, "HTTP/1.1 404"), 1U);
  EXPECT_GT(all.find("404"), all.rfind(R"({"result":{}})"));
  world_.send(file_, get().substr(2));
  EXPECT_EQ(count(world_.ring().take_sent(file_), "HTTP/1.1 200"), 1U);
}

TEST_F(HttpConnectionAnswersLater, BytesThatCameMeanwhileAreReadAfterwards) {
  begin(publish(far_));
  world_.ring().client_send(file_, get("/nothing"));
  const std::string all = answers();
  EXPECT_EQ(count(all, R"({"result":{}})"), 1U);
  EXPECT_EQ(count(all, "HTTP/1.1 404"), 1U);
}

TEST_F(HttpConnectionAnswersLater, AnUpgradeBehindItIsRefused) {
  begin(publish(far_) + ShardWorld::handshake());
  const std::string all = answers();
  EXPECT_EQ(count(all, R"({"result":{}})"), 1U);
  EXPECT_EQ(count(all, "HTTP/1.1 400"), 1U) << all;
  EXPECT_EQ(count(all, "101"), 0U);
  world_.advance(milliseconds(1'010));
  EXPECT_FALSE(world_.ring().is_open(file_));
}

TEST_F(HttpConnectionAnswersLater, AHalfClosedClientGetsIt) {
  begin(publish(far_));
  world_.ring().client_close(file_);
  EXPECT_EQ(count(answers(), R"({"result":{}})"), 1U);
  EXPECT_FALSE(world_.ring().is_open(file_));
}

TEST_F(HttpConnectionAnswersLater, NoDeadlineRunsMeanwhile) {
  begin(publish(far_));
  // The shard's own, and one that fires and finds nothing due.
  EXPECT_EQ(world_.shard().reactor().timers().size(), 2U);
  const std::string all = answers();
  EXPECT_EQ(count(all, R"({"result":{}})"), 1U);
  world_.advance(milliseconds(59'900));
  EXPECT_TRUE(world_.ring().is_open(file_));
  world_.advance(milliseconds(200));
  EXPECT_FALSE(world_.ring().is_open(file_));
}

TEST_F(HttpConnectionAnswersLater, ADrainLetsItOut) {
  begin(publish(far_));
  world_.shared().draining.store(true);
  world_.turn_one(0);
  world_.clock().advance(Drain::kLongestGrace);
  world_.turn_one(0);
  const std::string all = answers();
  EXPECT_EQ(count(all, R"({"result":{}})"), 1U);
  EXPECT_EQ(count(all, "Connection: close"), 1U);
  world_.advance(milliseconds(1'010));
  EXPECT_FALSE(world_.ring().is_open(file_));
}

TEST_F(HttpConnectionAnswersLater, WhoIsGoneGetsNothing) {
  begin(get() + publish(far_));
  world_.shard().connections().for_each([](Connection& c) { c.terminate(Instant{}); });
  world_.turn();
  EXPECT_FALSE(world_.ring().is_open(file_));
}

// --- Time ---------------------------------------------------------------------------------------

TEST(HttpConnection, ASilentConnectionIsClosedWithoutAWord) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.advance(milliseconds(9'990));
  EXPECT_TRUE(world.ring().is_open(file));
  world.advance(milliseconds(20));
  EXPECT_FALSE(world.ring().is_open(file));
  EXPECT_EQ(world.ring().sent(file), "");
}

TEST(HttpConnection, ARequestInPiecesHasOneDeadline) {
  ShardWorld world;
  const FileSlot file = world.connect();
  const std::string request = get("/", "X-Slow: " + std::string(100, 'x') + "\r\n");
  for (std::size_t second = 0; second < 10; ++second) {
    EXPECT_EQ(world.ring().sent(file), "");
    world.send(file, request.substr(second, 1));
    world.advance(second < 9 ? seconds(1) : milliseconds(1'010));
  }
  EXPECT_TRUE(world.ring().sent(file).starts_with("HTTP/1.1 408")) << world.ring().sent(file);
  EXPECT_EQ(world.metrics().rejected_total[static_cast<std::size_t>(RejectReason::kTimeout)], 1U);
  world.advance(milliseconds(1'010));
  EXPECT_FALSE(world.ring().is_open(file));
}

TEST(HttpConnection, EmptyLinesDoNotKeepItOpen) {
  ShardWorld world;
  const FileSlot file = world.connect();
  for (int second = 0; second < 12 && world.ring().is_open(file); ++second) {
    world.send(file, "\r\n");
    world.advance(seconds(1));
  }
  EXPECT_FALSE(world.ring().is_open(file));
}

TEST(HttpConnection, AnIdleConnectionIsClosedAfterAMinute) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.send(file, get());
  static_cast<void>(world.ring().take_sent(file));
  world.advance(milliseconds(59'000));
  world.send(file, get());  // starts the minute anew
  EXPECT_TRUE(world.ring().take_sent(file).starts_with("HTTP/1.1 200"));
  world.advance(milliseconds(59'990));
  EXPECT_TRUE(world.ring().is_open(file));
  world.advance(milliseconds(20));
  EXPECT_FALSE(world.ring().is_open(file));
  EXPECT_EQ(world.ring().sent(file), "");
}

TEST(HttpConnection, TheSecondRequestHasItsOwnDeadline) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.send(file, get());
  static_cast<void>(world.ring().take_sent(file));
  world.advance(seconds(30));
  world.send(file, "GET");
  world.advance(milliseconds(9'990));
  EXPECT_EQ(world.ring().sent(file), "");
  world.advance(milliseconds(20));
  EXPECT_TRUE(world.ring().sent(file).starts_with("HTTP/1.1 408"));
}

// --- The end ------------------------------------------------------------------------------------

TEST(HttpConnection, AHalfClosedClientGetsItsAnswer) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.ring().client_send(file, get() + get());
  world.ring().client_close(file);
  world.turn();
  EXPECT_EQ(count(world.ring().sent(file), "HTTP/1.1 200"), 2U);
  EXPECT_FALSE(world.ring().is_open(file));
}

ClientShardOptions patient_drain() {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.drain_timeout = seconds(30);
  return options;
}

TEST(HttpConnection, ADrainClosesWhatIsIdle) {
  ShardWorld world;
  const FileSlot idle = world.connect();
  world.send(idle, get());
  world.begin_drain();
  EXPECT_FALSE(world.ring().is_open(idle));
  EXPECT_TRUE(world.shard().drained());
}

TEST(HttpConnection, ADrainWaitsForWhatIsOnItsWay) {
  ShardWorld world(patient_drain());
  const FileSlot silent = world.connect();
  const FileSlot half = world.connect();
  world.send(half, "GET / HT");
  world.begin_drain();
  world.advance(seconds(15));  // the second one is told
  const std::uint64_t& draining =
      world.metrics().rejected_total[static_cast<std::size_t>(RejectReason::kDraining)];
  world.advance(HttpConnection::kDrainWait + milliseconds(20));
  EXPECT_EQ(draining, 1U);
  EXPECT_FALSE(world.ring().is_open(silent));
  EXPECT_TRUE(world.ring().sent(half).starts_with("HTTP/1.1 408"));
}

TEST(HttpConnection, ARequestThatCameInTimeIsServedInADrain) {
  ShardWorld world(patient_drain());
  const FileSlot half = world.connect();
  world.send(half, "GET / HT");
  world.begin_drain();
  world.advance(HttpConnection::kDrainWait - milliseconds(20));
  world.send(half, "TP/1.1\r\nHost: a\r\n\r\n" + get());
  const std::string answer = world.ring().sent(half);
  EXPECT_EQ(count(answer, "HTTP/1.1 200"), 1U) << "the one behind it is not";
  EXPECT_EQ(count(answer, "Connection: close"), 1U);
}

TEST(HttpConnection, AWebSocketThatOpensInADrainIsToldToGo) {
  ShardWorld world(patient_drain());
  const FileSlot file = world.connect();
  world.begin_drain();
  world.send(file, ShardWorld::handshake());
  const std::string answer = world.ring().take_sent(file);
  ASSERT_TRUE(answer.starts_with("HTTP/1.1 101"));
  const auto frames = ShardWorld::parse(Bytes(answer).substr(answer.find("\r\n\r\n") + 4));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].opcode, Opcode::kClose);
  EXPECT_TRUE(frames[0].payload.starts_with("\x0b\xb9"));  // 3001
}

TEST(HttpConnection, WhoPipelinesWithoutReadingIsCutOff) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.connections.queue_bytes = 2'000;
  ShardWorld world(options);
  const FileSlot file = world.connect();
  world.ring().set_send_budget(file, 0);
  for (int i = 0; i < 30 && world.ring().is_open(file); ++i) world.send(file, get());
  EXPECT_FALSE(world.ring().is_open(file));
  EXPECT_EQ(world.metrics().slow_disconnects_total, 1U);
}

}  // namespace
}  // namespace millrace

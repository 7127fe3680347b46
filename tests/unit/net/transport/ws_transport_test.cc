#include "net/transport/ws_transport.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr Bytes kSubscribe = R"({"id":2,"subscribe":{"channel":"news"}})";
constexpr Bytes kConnect = R"({"id":1,"connect":{}})";

// Without the protocol's own pings, which would end who only listens.
ClientShardOptions quiet_options() {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.sessions.ping_interval = seconds(36'000);
  options.sessions.stale_timeout = seconds(36'000);
  return options;
}

std::uint64_t disconnects(ShardWorld& world, std::uint16_t code) {
  const auto& counts = world.metrics().disconnects_total;
  const auto found = counts.find(code);
  return found == counts.end() ? 0 : found->second;
}

std::uint64_t all_disconnects(ShardWorld& world) {
  std::uint64_t sum = 0;
  for (const auto& [code, count] : world.metrics().disconnects_total) sum += count;
  return sum;
}

// --- The closing handshake ----------------------------------------------------------------------

struct PeerClose {
  std::uint16_t code;
  std::uint16_t label;  // in the metrics
};

class WsTransportPeerCloses : public testing::TestWithParam<PeerClose> {};

TEST_P(WsTransportPeerCloses, AnswersAndCloses) {
  ShardWorld world;
  const FileSlot file = world.open_client();
  world.send(file, client_close_frame(GetParam().code, GetParam().code == 1005 ? "" : "bye"));
  EXPECT_EQ(world.close_code(file), GetParam().code);
  EXPECT_FALSE(world.ring().is_open(file));
  EXPECT_EQ(disconnects(world, GetParam().label), 1U);
  EXPECT_EQ(all_disconnects(world), 1U);
}

INSTANTIATE_TEST_SUITE_P(Codes, WsTransportPeerCloses,
                         testing::Values(PeerClose{1000, 1000}, PeerClose{1001, 1001},
                                         PeerClose{1005, 1005}, PeerClose{3000, 3000},
                                         PeerClose{3999, 3000}, PeerClose{4999, 3000}));

TEST(WsTransport, WaitsForThePeersHalfOfTheHandshake) {
  ShardWorld world(quiet_options());
  const FileSlot answers = world.open_client();
  const FileSlot silent = world.open_client();
  for (const FileSlot file : {answers, silent}) {
    world.send_text(file, "not a command");
    EXPECT_EQ(world.close_code(file), 3501);
    EXPECT_TRUE(world.ring().is_open(file));
  }
  world.send(answers, client_close_frame(3501));
  EXPECT_FALSE(world.ring().is_open(answers));
  EXPECT_TRUE(world.frames(answers).empty()) << "one close frame each";
  world.advance(milliseconds(4'990));
  EXPECT_TRUE(world.ring().is_open(silent));
  world.advance(milliseconds(20));
  EXPECT_FALSE(world.ring().is_open(silent));
  EXPECT_EQ(disconnects(world, 3501), 2U);
  EXPECT_EQ(all_disconnects(world), 2U);
}

TEST(WsTransport, AfterItsCloseFrameItHearsAndSaysNothing) {
  ShardWorld world(quiet_options());
  const FileSlot leaving = world.open_client();
  const FileSlot staying = world.open_client();
  for (const FileSlot file : {leaving, staying}) world.send_text(file, kSubscribe);
  world.send_text(leaving, "not a command");
  EXPECT_EQ(world.close_code(leaving), 3501);

  world.send_text(leaving, R"({"id":5,"publish":{"channel":"news","data":1}})");
  world.send(leaving, client_frame(Opcode::kPing, "still there?"));
  world.send_text(staying, R"({"id":6,"publish":{"channel":"news","data":2}})");
  EXPECT_EQ(world.ring().sent(leaving), "") << "RFC 6455 section 5.5.1: nothing follows a close";
  EXPECT_EQ(world.metrics().client_publishes_total, 1U);
  world.send(leaving, client_close_frame(3501));
  EXPECT_FALSE(world.ring().is_open(leaving));
}

// The decoder that read the answer goes back to the pool for others.
TEST(WsTransport, WhatStandsBehindTheAnswerOfACloseHarmsNobody) {
  for (const std::string& behind :
       {std::string(), client_frame(Opcode::kText, "x"),
        client_frame(Opcode::kText, "x").substr(0, 3), client_frame(Opcode::kPing, "x"),
        std::string("\xff\xff\xff", 3), client_close_frame(1000)}) {
    ClientShardOptions options = quiet_options();
    options.decoders = 1;
    ShardWorld world(options);
    const FileSlot first = world.open_client();
    const FileSlot second = world.open_client();
    world.send_text(first, "not a command");
    world.send(first, client_close_frame(3501) + behind);
    EXPECT_FALSE(world.ring().is_open(first));
    world.send_text(second, kSubscribe);
    EXPECT_EQ(world.texts(second), std::vector<std::string>{R"({"id":2,"subscribe":{}})"});
  }
}

TEST(WsTransport, AViolationIsToldAndTheRestDropped) {
  ShardWorld world(quiet_options());
  const FileSlot file = world.open_client();
  world.send(file, client_header(kFinBit | 1, 2, LengthForm::kMinimal, std::nullopt) + "{}");
  EXPECT_EQ(world.close_code(file), 1002);
  world.send_text(file, kSubscribe);
  world.send(file, client_close_frame(1000));
  EXPECT_EQ(world.ring().sent(file), "");
  EXPECT_EQ(world.metrics().subscriptions, 0U);
  world.advance(milliseconds(980));
  EXPECT_TRUE(world.ring().is_open(file));
  world.advance(milliseconds(40));
  EXPECT_FALSE(world.ring().is_open(file));
  EXPECT_EQ(disconnects(world, 1002), 1U);
  EXPECT_EQ(all_disconnects(world), 1U);
}

TEST(WsTransport, AnEndWithoutACloseFrameCountsAs1006) {
  ShardWorld world(quiet_options());
  const FileSlot fin = world.open_client();
  const FileSlot reset = world.open_client();
  const FileSlot after_ours = world.open_client();
  world.ring().client_close(fin);
  world.ring().client_reset(reset);
  world.send_text(after_ours, "not a command");
  world.ring().client_close(after_ours);
  world.turn();
  for (const FileSlot file : {fin, reset, after_ours}) EXPECT_FALSE(world.ring().is_open(file));
  EXPECT_EQ(disconnects(world, 1006), 2U);
  EXPECT_EQ(disconnects(world, 3501), 1U);
}

TEST(WsTransport, MessagesHaveALimit) {
  for (const std::size_t size : {63U, 64U, 65U}) {
    ClientShardOptions options = quiet_options();
    options.ws.frames.message_bytes = 64;
    ShardWorld world(options);
    const FileSlot file = world.open_websocket();
    std::string command(kConnect);
    command.resize(size, ' ');
    world.send_text(file, command);
    EXPECT_EQ(world.close_code(file), size <= 64 ? 0 : 1009);
    EXPECT_EQ(world.metrics().clients, size <= 64 ? 1U : 0U);
  }
}

// --- Slow readers -------------------------------------------------------------------------------

TEST(WsTransport, WhoReadsTooSlowlyIsTold3008BehindWhatIsInFlight) {
  ClientShardOptions options = quiet_options();
  options.connections.queue_bytes = 1'000;
  ShardWorld world(options);
  const FileSlot slow = world.open_client();
  const FileSlot publisher = world.open_client();
  world.send_text(slow, kSubscribe);
  static_cast<void>(world.frames(slow));
  world.ring().set_send_budget(slow, 0);
  const std::string publish =
      R"({"id":3,"publish":{"channel":"news","data":")" + std::string(300, 'x') + R"("}})";
  for (int i = 0; i < 8; ++i) world.send_text(publisher, publish);
  EXPECT_EQ(world.metrics().slow_disconnects_total, 1U);
  EXPECT_EQ(disconnects(world, 3008), 1U);
  world.ring().clear_send_budget(slow);
  world.turn();
  const auto frames = world.frames(slow);
  ASSERT_EQ(frames.size(), 2U) << "the one in flight, then goodbye";
  EXPECT_NE(frames[0].payload.find("xxx"), std::string::npos);
  EXPECT_EQ(frames[1].opcode, Opcode::kClose);
  EXPECT_EQ(frames[1].payload.substr(0, 2), std::string("\x0b\xc0", 2));
  EXPECT_EQ(world.metrics().queued_bytes, 0U);
  EXPECT_TRUE(world.ring().is_open(publisher));
}

// --- Pings of the peer --------------------------------------------------------------------------

TEST(WsTransport, AnswersAPingWithItsPayload) {
  ShardWorld world(quiet_options());
  const FileSlot file = world.open_client();
  for (const std::string& payload : {std::string(), std::string("abc"), std::string(125, 'p')}) {
    world.send(file, client_frame(Opcode::kPing, payload));
    const auto frames = world.frames(file);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].opcode, Opcode::kPong);
    EXPECT_EQ(frames[0].payload, payload);
  }
}

// A send under way, which a busy machine may leave there for long, changes nothing.
TEST(WsTransport, AFloodOfPingsIsAnsweredUpToALimitAndWithTheNewest) {
  constexpr int kLimit = WsTransport::kPongsAtOnce;
  for (const int pings : {kLimit - 1, kLimit, kLimit + 1, kLimit + 2, 1'000}) {
    ShardWorld world(quiet_options());
    const FileSlot file = world.open_client();
    world.ring().set_send_budget(file, 0);
    std::vector<std::string> wanted;
    for (int i = 0; i < pings; ++i) {
      world.send(file, client_frame(Opcode::kPing, std::to_string(i)));
      ASSERT_LT(world.metrics().queued_bytes, 2'200U);
      if (i < kLimit || i == pings - 1) wanted.push_back(std::to_string(i));
    }
    world.ring().clear_send_budget(file);
    world.turn();
    EXPECT_EQ(world.texts(file), wanted) << pings << " pings";
  }
}

// Of pings that come in one read all are answered in order, up to the limit; beyond it the newest.
TEST(WsTransport, AnswersPingsOfOneReadUpToALimit) {
  constexpr int kLimit = WsTransport::kPongsAtOnce;
  for (const int pings : {2, kLimit - 1, kLimit, kLimit + 1, kLimit + 5}) {
    ShardWorld world(quiet_options());
    const FileSlot file = world.open_client();
    std::string bytes;
    std::vector<std::string> wanted;
    for (int i = 0; i < pings; ++i) {
      bytes += client_frame(Opcode::kPing, std::to_string(i));
      if (i < kLimit || i == pings - 1) wanted.push_back(std::to_string(i));
    }
    for (int round = 0; round < 2; ++round) {
      world.send(file, bytes);
      EXPECT_EQ(world.texts(file), wanted) << pings << " pings, round " << round;
    }
  }
}

// Where in the stream a read ended must not decide whether a ping is answered.
TEST(WsTransport, APingBehindAnAnswerAndBeforeACloseIsAnswered) {
  ShardWorld world(quiet_options());
  const FileSlot file = world.open_client();
  world.send(file, client_frame(Opcode::kText, kSubscribe) + client_frame(Opcode::kPing, "x") +
                       client_close_frame(1000));
  const auto frames = world.frames(file);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[1].opcode, Opcode::kPong);
  EXPECT_EQ(frames[1].payload, "x");
  EXPECT_EQ(frames[2].opcode, Opcode::kClose);
}

// On a busy channel there is always more queued when a send ends.
TEST(WsTransport, APongDoesNotWaitForTheQueueToBeEmpty) {
  ShardWorld world(quiet_options());
  const FileSlot file = world.open_client();
  const FileSlot publisher = world.open_client();
  world.send_text(file, kSubscribe);
  static_cast<void>(world.frames(file));
  world.ring().set_send_budget(file, 0);
  const Bytes publish = R"({"id":3,"publish":{"channel":"news","data":1}})";
  world.send_text(publisher, publish);
  world.send(file, client_frame(Opcode::kPing, "alive?"));
  world.send_text(publisher, publish);
  // The first ends while the second is queued; the next send carries it and the pong.
  const std::size_t first = world.ring().sends().back().bytes.size();
  std::size_t in_flight = 0;
  for (const MemRing::Sent& sent : world.ring().sends()) {
    if (sent.file == file) in_flight = sent.bytes.size();
  }
  EXPECT_GT(first, 0U);
  world.ring().set_send_budget(file, in_flight);
  world.turn();
  EXPECT_NE(world.ring().sends().back().bytes.find("alive?"), std::string::npos);
  world.ring().clear_send_budget(file);
  world.turn();
}

// --- The message deadline -----------------------------------------------------------------------

TEST(WsTransport, AMessageHasADeadlineFromItsFirstByte) {
  ShardWorld world(quiet_options());
  const FileSlot file = world.open_client();
  world.send(file, client_frame(Opcode::kText, "{", false));
  for (int second = 0; second < 29; ++second) {
    // Neither more fragments nor pings move it.
    world.advance(seconds(1));
    world.send(file, client_frame(Opcode::kContinuation, " ", false));
    world.send(file, client_frame(Opcode::kPing, ""));
    ASSERT_EQ(world.close_code(file), 0) << second;
  }
  world.advance(milliseconds(1'010));
  EXPECT_EQ(world.close_code(file), 1008);
}

TEST(WsTransport, ABusyStreamHasNoDeadline) {
  ShardWorld world(quiet_options());
  const FileSlot file = world.open_client();
  const std::string frame = client_frame(Opcode::kText, R"({"id":9,"rpc":{}})");
  const std::size_t cut = frame.size() / 2;
  world.send(file, frame.substr(0, cut));
  for (int second = 0; second < 100; ++second) {
    world.advance(seconds(1));
    world.send(file, frame.substr(cut) + frame.substr(0, cut));  // every read ends inside a frame
    ASSERT_EQ(world.texts(file).size(), 1U) << second;
  }
}

}  // namespace
}  // namespace millrace

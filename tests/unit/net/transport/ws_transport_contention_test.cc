// More clients inside a message than there are decoders, and some that do not go on.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/transport/ws_transport.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr Bytes kSubscribe = R"({"id":2,"subscribe":{"channel":"news"}})";
constexpr Duration kTime = WsShared::kContendedMessageTime;
constexpr Duration kLittle = milliseconds(20);  // a tick of the timers, and some

class ContendedWorld : public ShardWorld {
 public:
  explicit ContendedWorld(std::uint32_t decoders) : ShardWorld(contended_options(decoders)) {}

  // Clients are known by number.
  void open_clients(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) files_.push_back(open_client());
  }
  void begin(std::size_t i) { send(files_[i], whole().substr(0, 9)); }
  void end(std::size_t i) { send(files_[i], whole().substr(9)); }
  void say(std::size_t i) { send(files_[i], whole()); }
  // What the server said since, in brief: "", "answer", "1008", ..
  std::string heard(std::size_t i) {
    std::string all;
    for (const ServerFrame& frame : frames(files_[i])) {
      if (!all.empty()) all += ' ';
      all += frame.opcode == Opcode::kClose ? code_of(frame.payload) : "answer";
    }
    return all;
  }
  bool is_open(std::size_t i) { return ring().is_open(files_[i]); }
  // The server's own wish, whatever the client does: its token is over, an admin's command, ..
  void close(std::size_t i) {
    Connection* connection = shard().connections().find_index(static_cast<std::uint32_t>(i));
    static_cast<WsTransport*>(connection->protocol())->close(3500, "invalid token", clock().now());
    turn();
  }
  FileSlot file(std::size_t i) { return files_[i]; }

 private:
  // Without the protocol's own pings, which would end who only listens.
  static ClientShardOptions contended_options(std::uint32_t decoders) {
    ClientShardOptions options = insecure_options();
    options.sessions.ping_interval = seconds(36'000);
    options.sessions.stale_timeout = seconds(36'000);
    options.decoders = decoders;
    return options;
  }
  static std::string whole() { return client_frame(Opcode::kText, kSubscribe); }
  static std::string code_of(Bytes payload) {
    return std::to_string(static_cast<unsigned char>(payload[0]) << 8 |
                          static_cast<unsigned char>(payload[1]));
  }

  std::vector<FileSlot> files_;
};

// --- A message's time ----------------------------------------------------------------------------

TEST(WsTransportContention, WhoWaitsIsServedBeforeLong) {
  ContendedWorld world(1);
  world.open_clients(2);
  world.begin(0);
  world.advance(seconds(10));  // which is nobody's concern
  world.say(1);
  world.advance(kTime - kLittle);
  EXPECT_EQ(world.heard(0), "");
  EXPECT_EQ(world.heard(1), "");
  world.advance(kLittle * 2);
  EXPECT_EQ(world.heard(0), "1008");
  EXPECT_EQ(world.heard(1), "answer") << "before the other has answered the close frame";
  world.advance(WsTransport::kLinger + kLittle);
  EXPECT_FALSE(world.is_open(0)) << "whether it answers or not";
  EXPECT_TRUE(world.is_open(1));
}

TEST(WsTransportContention, NoMoreAreClosedThanOthersNeed) {
  ContendedWorld world(3);
  world.open_clients(4);
  for (std::size_t i = 0; i < 3; ++i) world.begin(i);
  world.say(3);
  world.advance(kTime + kLittle);
  EXPECT_EQ(world.heard(3), "answer");
  int closed = 0;
  for (std::size_t i = 0; i < 3; ++i) closed += world.heard(i) == "1008" ? 1 : 0;
  EXPECT_EQ(closed, 1);
}

TEST(WsTransportContention, AMessageBegunWhileOthersWaitHasNoMoreTime) {
  ContendedWorld world(1);
  world.open_clients(3);
  world.begin(0);
  world.begin(1);
  world.say(2);
  world.advance(seconds(1));
  world.end(0);  // the decoder is the next one's
  EXPECT_EQ(world.heard(0), "answer");
  world.advance(kTime - kLittle);
  EXPECT_EQ(world.heard(1), "");
  world.advance(kLittle * 2);
  EXPECT_EQ(world.heard(1), "1008");
  EXPECT_EQ(world.heard(2), "answer");
}

TEST(WsTransportContention, ADeadlineThatIsEarlierStays) {
  ContendedWorld world(1);
  world.open_clients(2);
  world.begin(0);
  world.advance(seconds(29));
  world.say(1);
  world.advance(seconds(1) - kLittle);
  EXPECT_EQ(world.heard(0), "");
  world.advance(kLittle * 2);
  EXPECT_EQ(world.heard(0), "1008");
  EXPECT_EQ(world.heard(1), "answer");
}

TEST(WsTransportContention, WhenNobodyWaitsAnyMoreAMessageHasItsTimeAgain) {
  ContendedWorld world(2);
  world.open_clients(3);
  world.begin(0);
  world.begin(1);
  world.say(2);
  world.advance(seconds(1));
  world.end(1);
  EXPECT_EQ(world.heard(2), "answer");
  world.advance(seconds(29) - kLittle);
  EXPECT_EQ(world.heard(0), "");
  world.advance(kLittle * 2);
  EXPECT_EQ(world.heard(0), "1008");
}

TEST(WsTransportContention, WhatHadItsTimeAgainIsHurriedAgain) {
  ContendedWorld world(2);
  world.open_clients(3);
  world.begin(0);
  world.begin(1);
  world.say(2);
  world.end(1);
  world.advance(seconds(10));
  EXPECT_EQ(world.heard(0), "");
  world.begin(1);
  world.say(2);
  EXPECT_EQ(world.heard(2), "answer") << "the first one";
  world.advance(kTime + kLittle);
  EXPECT_EQ(world.heard(2), "answer");
}

// Who begins to wait again and again does not put the end off.
TEST(WsTransportContention, ATimeThatRunsIsNotSetAnew) {
  ContendedWorld world(2);
  world.open_clients(3);
  world.begin(0);
  for (int round = 0; round < 4; ++round) {
    world.begin(1);
    world.say(2);
    EXPECT_EQ(world.heard(2), "");
    world.advance(kTime / 4);
    if (round == 3) break;
    world.end(1);
    EXPECT_EQ(world.heard(2), "answer");
  }
  world.advance(kLittle);
  EXPECT_EQ(world.heard(0), "1008");
  EXPECT_EQ(world.heard(2), "answer");
}

TEST(WsTransportContention, ALongMessageMayComeInManyPieces) {
  ContendedWorld world(1);
  world.open_clients(2);
  const std::string text = R"({"id":2,"rpc":{"data":")" + std::string(40'000, 'x') + R"("}})";
  const std::string frame = client_frame(Opcode::kText, text);
  world.send(world.file(0), frame.substr(0, 1'000));
  world.say(1);
  for (std::size_t at = 1'000; at < frame.size(); at += 5'000) {
    world.advance(milliseconds(200));
    world.send(world.file(0), frame.substr(at, 5'000));
  }
  EXPECT_EQ(world.heard(0), "answer");
  EXPECT_EQ(world.heard(1), "answer");
}

// What is inside a control frame holds a decoder too.
TEST(WsTransportContention, APieceOfAPingIsNoExcuse) {
  ContendedWorld world(1);
  world.open_clients(2);
  world.send(world.file(0), client_frame(Opcode::kPing, "ping").substr(0, 1));
  world.say(1);
  world.advance(kTime + kLittle);
  EXPECT_EQ(world.heard(0), "1008");
  EXPECT_EQ(world.heard(1), "answer");
}

// --- Closing -------------------------------------------------------------------------------------

TEST(WsTransportContention, WhoIsClosedInsideAMessageServesTheNextAtOnce) {
  ContendedWorld world(1);
  world.open_clients(3);
  world.begin(0);
  world.say(1);
  world.say(2);
  world.close(0);
  EXPECT_EQ(world.heard(0), "3500");
  EXPECT_EQ(world.heard(1), "answer");
  EXPECT_EQ(world.heard(2), "answer");
  EXPECT_TRUE(world.is_open(0)) << "what we said last must reach it";
  world.send(world.file(0), client_close_frame(3500));
  world.advance(WsTransport::kLinger + kLittle);
  EXPECT_FALSE(world.is_open(0));
}

// Its decoder is inside the frame behind the one that it is closed for.
TEST(WsTransportContention, WhoIsClosedForWhatItSaysDoesNotHoldForLong) {
  ContendedWorld world(1);
  world.open_clients(2);
  const std::string bad = client_frame(Opcode::kText, "no command");
  world.send(world.file(0), bad + bad.substr(0, 3));
  EXPECT_EQ(world.heard(0), "3501");
  world.say(1);
  world.advance(kTime + kLittle);
  EXPECT_EQ(world.heard(1), "answer");
  EXPECT_FALSE(world.is_open(0));
}

TEST(WsTransportContention, WhoBeginsAFrameBehindOurCloseFrameHoldsNothing) {
  ContendedWorld world(1);
  world.open_clients(3);
  world.begin(0);
  world.begin(1);
  world.close(1);
  EXPECT_EQ(world.heard(1), "3500");
  world.say(2);
  world.end(0);
  EXPECT_EQ(world.heard(2), "answer");
  world.advance(WsTransport::kLinger + kLittle);
  EXPECT_FALSE(world.is_open(1));
}

// Nobody waits when it is closed, and somebody does before its peer has answered.
TEST(WsTransportContention, WhoIsClosingInsideAFrameIsHurriedToo) {
  for (const bool contended : {false, true}) {
    ContendedWorld world(1);
    world.open_clients(2);
    world.begin(0);
    world.close(0);
    EXPECT_EQ(world.heard(0), "3500");
    if (contended) world.say(1);
    world.advance(kTime - kLittle);
    EXPECT_TRUE(world.is_open(0));
    world.advance(kLittle * 2);
    EXPECT_EQ(world.is_open(0), !contended);
    EXPECT_EQ(world.heard(1), contended ? "answer" : "");
    world.advance(seconds(5) - kTime - kLittle * 2);
    EXPECT_EQ(world.is_open(0), !contended) << "it has the time of a close frame, as ever";
    world.advance(kLittle * 2);
    EXPECT_FALSE(world.is_open(0));
  }
}

TEST(WsTransportContention, WhoIsClosingAndBeginsAFrameBeforeOthersWaitIsHurriedToo) {
  ContendedWorld world(1);
  world.open_clients(2);
  world.close(0);
  EXPECT_EQ(world.heard(0), "3500");
  world.begin(0);
  world.say(1);
  world.advance(kTime + kLittle);
  EXPECT_FALSE(world.is_open(0));
  EXPECT_EQ(world.heard(1), "answer");
}

TEST(WsTransportContention, AnAnswerToACloseFrameIsReadInItsTurn) {
  ContendedWorld world(1);
  world.open_clients(3);
  world.begin(0);
  world.say(1);
  world.close(2);
  world.send(world.file(2), client_close_frame(3500));
  EXPECT_TRUE(world.is_open(2));
  world.end(0);
  EXPECT_FALSE(world.is_open(2));
}

// It has been handed the decoder, and is closed before its bytes are fed.
TEST(WsTransportContention, WhoIsClosedWithADecoderInHandPassesItOn) {
  ContendedWorld world(1);
  world.open_clients(4);
  world.begin(0);
  for (std::size_t i = 1; i < 4; ++i) world.say(i);
  world.ring().set_send_budget(world.file(1), 0);
  world.shard().connections().for_each([&](Connection& connection) {
    const Instant now = world.clock().now();
    if (connection.id().index == 0) connection.terminate(now);
    if (connection.id().index != 1) return;
    static_cast<WsTransport*>(connection.protocol())->close(3500, "invalid token", now);
  });
  world.ring().clear_send_budget(world.file(1));
  world.turn();
  EXPECT_EQ(world.heard(1), "3500");
  EXPECT_EQ(world.heard(2), "answer");
  EXPECT_EQ(world.heard(3), "answer");
}

// The peer's end came while nobody was to be read, so that nothing is left to wait for.
TEST(WsTransportContention, AViolationNeedsNoDecoder) {
  ContendedWorld world(1);
  world.open_clients(3);
  world.begin(0);
  world.say(1);
  world.send(world.file(2), client_header(0xc1, 5) + std::string(100, 'x'));
  world.end(0);
  EXPECT_EQ(world.heard(1), "answer");
  EXPECT_EQ(world.heard(2), "1002");
  world.send(world.file(2), std::string(100, 'x'));  // it lingers
  world.say(0);
  EXPECT_EQ(world.heard(0), "answer answer");
}

// --- The end of the server -----------------------------------------------------------------------

TEST(WsTransportContention, ADrainDoesNotWaitForWhoHoldsDecoders) {
  constexpr std::size_t kClients = 5;
  for (const bool contended : {false, true}) {
    ContendedWorld world(2);
    world.open_clients(kClients);
    world.begin(0);
    world.begin(1);
    if (contended) world.say(2);
    world.begin_drain();
    world.shared().drain.hurry.store(true);  // all are told at once
    world.turn();
    for (std::size_t i = 0; i < kClients; ++i) {
      EXPECT_EQ(world.heard(i), "3001") << i;
      if (i > 1) world.send(world.file(i), client_close_frame(3001));
    }
    for (std::size_t i = 2; i < kClients; ++i) EXPECT_EQ(world.is_open(i), !contended) << i;
    world.advance(Drain::kHurry + kLittle);
    for (std::size_t i = 0; i < kClients; ++i) EXPECT_FALSE(world.is_open(i)) << i;
    EXPECT_TRUE(world.shard().drained());
  }
}

}  // namespace
}  // namespace millrace

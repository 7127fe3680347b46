// Sessions whose input is not read, because others hold all decoders.
#include <gtest/gtest.h>

#include <string>

#include "net/session/session.h"
#include "net/transport/ws_transport.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr Duration kStranger = WsShared::kContendedMessageTime;  // so long one holds a decoder
constexpr Duration kLittle = milliseconds(20);

// A stranger holds the only decoder for longer than each of these.
ClientShardOptions short_options() {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.sessions.pong_timeout = seconds(1);
  options.sessions.stale_timeout = seconds(1);
  options.decoders = 1;
  return options;
}

class SessionUnread : public testing::Test {
 protected:
  SessionUnread() : world_(short_options()), client_(world_.open_client()) {}
  void stranger() {
    const FileSlot file = world_.open_client();
    world_.send(file, client_frame(Opcode::kText, "x").substr(0, 1));
  }
  void wait_for_ping() {
    for (int i = 0; i < 4'000; ++i) {
      world_.advance(milliseconds(10));
      if (!world_.frames(client_).empty()) return;
    }
    FAIL() << "no ping";
  }

  ShardWorld world_;
  FileSlot client_;
};

TEST_F(SessionUnread, APongThatIsNotReadIsNotMissed) {
  wait_for_ping();
  stranger();
  world_.send_text(client_, "{}");
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.close_code(client_), 0);
  world_.advance(kStranger - seconds(1));
  // Read by now: it is well until the next ping.
  world_.advance(seconds(5));
  EXPECT_EQ(world_.close_code(client_), 0);
  wait_for_ping();
  world_.send_text(client_, "{}");
  world_.advance(seconds(5));
  EXPECT_EQ(world_.close_code(client_), 0);
}

TEST_F(SessionUnread, WhatWasToldIsNoPong) {
  wait_for_ping();
  stranger();
  world_.send_text(client_, R"({"id":2,"subscribe":{"channel":"news"}})");
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.close_code(client_), 0);
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.texts(client_).size(), 1U) << "the answer: it has been read";
  EXPECT_EQ(world_.close_code(client_), 0);
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.close_code(client_), 3012);
}

TEST_F(SessionUnread, WhoIsSilentIsBlamedWhoeverElseWaits) {
  const FileSlot speaks = world_.open_client();
  wait_for_ping();
  stranger();
  world_.send_text(speaks, "{}");
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.close_code(client_), 3012);
}

// A wait that was over before the ping says nothing about its pong.
TEST_F(SessionUnread, WhoWaitedBeforeThePingIsBlamed) {
  stranger();
  world_.send_text(client_, R"({"id":2,"subscribe":{"channel":"news"}})");
  world_.advance(kStranger + kLittle);
  EXPECT_EQ(world_.texts(client_).size(), 1U);
  wait_for_ping();
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.close_code(client_), 3012);
}

TEST_F(SessionUnread, AConnectCommandThatIsNotReadIsNotMissed) {
  stranger();
  const FileSlot newcomer = world_.open_websocket();
  world_.send_text(newcomer, R"({"id":1,"connect":{}})");
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.texts(newcomer).size(), 0U);
  world_.advance(kStranger - seconds(1));
  EXPECT_EQ(world_.texts(newcomer).size(), 1U);
  world_.advance(seconds(2));
  EXPECT_EQ(world_.close_code(newcomer), 0);
}

TEST_F(SessionUnread, WhoDoesNotConnectIsStaleWhoeverElseWaits) {
  stranger();
  const FileSlot silent = world_.open_websocket();
  world_.send_text(client_, "{}");
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.close_code(silent), 3502);
}

// Whatever waits may be a connect command, but only until it is read.
TEST_F(SessionUnread, WhoDoesNotConnectWhenItIsReadIsStale) {
  stranger();
  const FileSlot newcomer = world_.open_websocket();
  world_.send(newcomer, client_frame(Opcode::kPong, ""));
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.close_code(newcomer), 0);
  world_.advance(kStranger - seconds(1));  // the pong is read
  EXPECT_EQ(world_.close_code(newcomer), 0);
  world_.advance(seconds(1) + kLittle);
  EXPECT_EQ(world_.close_code(newcomer), 3502);
}

}  // namespace
}  // namespace millrace

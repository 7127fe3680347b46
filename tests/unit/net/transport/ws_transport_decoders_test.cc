// Few decoders, and more clients that are inside a message than there are.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/transport/ws_transport.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr Bytes kSubscribe = R"({"id":2,"subscribe":{"channel":"news"}})";
constexpr Bytes kConnect = R"({"id":1,"connect":{}})";

// Without the protocol's own pings, which would end who only listens.
ClientShardOptions lending_options(std::uint32_t decoders) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.sessions.ping_interval = seconds(36'000);
  options.sessions.stale_timeout = seconds(36'000);
  options.decoders = decoders;
  return options;
}

class DecoderLending : public testing::Test {
 protected:
  DecoderLending() : world_(lending_options(1)) {
    for (int i = 0; i < 4; ++i) files_.push_back(world_.open_client());
    // The first holds the decoder; the others wait in this order.
    world_.send(files_[0], holding().substr(0, 5));
    for (int i = 1; i < 4; ++i) world_.send_text(files_[static_cast<std::size_t>(i)], kSubscribe);
    for (const FileSlot file : files_) EXPECT_EQ(world_.ring().sent(file), "");
    world_.ring().clear_sends();
  }
  static std::string holding() { return client_frame(Opcode::kText, kSubscribe); }
  void expect_answered(const std::vector<std::size_t>& order) {
    expect_sends(order);
    EXPECT_EQ(world_.metrics().subscriptions, order.size());
  }
  void expect_sends(const std::vector<std::size_t>& order) {
    std::vector<FileSlot> expected, got;
    for (const std::size_t i : order) expected.push_back(files_[i]);
    for (const MemRing::Sent& sent : world_.ring().sends()) got.push_back(sent.file);
    EXPECT_TRUE(got == expected);
  }

  ShardWorld world_;
  std::vector<FileSlot> files_;
};

TEST_F(DecoderLending, WhoWaitsIsServedInOrder) {
  world_.send(files_[0], holding().substr(5));
  expect_answered({0, 1, 2, 3});
}

TEST_F(DecoderLending, AResetOfTheBorrowerServesTheNext) {
  world_.ring().client_reset(files_[0]);
  world_.turn();
  expect_answered({1, 2, 3});
}

TEST_F(DecoderLending, WhoIsGoneIsPassedOver) {
  // Its receive is not armed while it waits, so only we can end it.
  world_.shard().connections().for_each([this](Connection& connection) {
    if (connection.id().index == 1) connection.terminate(Instant{});
  });
  world_.send(files_[0], holding().substr(5));
  expect_answered({0, 2, 3});
}

// It has been handed the decoder, and closes before its bytes are fed.
TEST_F(DecoderLending, WhoClosesWithADecoderInHandPassesItOn) {
  world_.ring().set_send_budget(files_[1], 0);
  world_.shard().connections().find_index(1)->send(make_frame(Opcode::kPing, ""));
  world_.turn();
  world_.ring().clear_sends();
  world_.ring().client_reset(files_[0]);
  world_.ring().fail_send(files_[1], IoError::kDisconnect);
  world_.turn();
  expect_answered({2, 3});
}

TEST_F(DecoderLending, ANewcomerDoesNotOvertakeWhoWaits) {
  const FileSlot newcomer = world_.open_websocket();
  world_.ring().clear_sends();
  files_.push_back(newcomer);
  world_.ring().client_send(files_[0], holding().substr(5));
  world_.ring().client_send(newcomer, client_frame(Opcode::kText, kConnect));
  world_.turn();
  expect_sends({0, 1, 2, 3, 4});
}

// --- Pipelining ----------------------------------------------------------------------------------

TEST_F(DecoderLending, WhatStandsBehindAMessageWaitsForItsTurn) {
  const std::string next = client_frame(Opcode::kText, R"({"id":9,"rpc":{}})");
  world_.send(files_[0], holding().substr(5) + next + next + next.substr(0, 5));
  expect_sends({0, 1, 2, 3, 0});  // once nobody waits both are taken at once
  EXPECT_EQ(world_.texts(files_[0]).size(), 3U);
  world_.send(files_[0], next.substr(5));
  EXPECT_EQ(world_.texts(files_[0]).size(), 1U);
}

TEST_F(DecoderLending, AViolationBehindAMessageIsFoundInItsTurn) {
  world_.send(files_[0], holding().substr(5) + client_header(0xc1, 5));
  expect_sends({0, 1, 2, 3, 0});
  EXPECT_EQ(world_.close_code(files_[0]), 1002);
}

TEST_F(DecoderLending, TheEndOfTheStreamComesBehindWhatWaits) {
  const std::string next = client_frame(Opcode::kText, R"({"id":9,"rpc":{}})");
  world_.ring().client_send(files_[0], holding().substr(5) + next + next.substr(0, 5));
  world_.ring().client_close(files_[0]);
  world_.turn();
  expect_sends({0, 1, 2, 3, 0});
  EXPECT_FALSE(world_.ring().is_open(files_[0]));
}

// Found by a seed of the simulator: the others waited until they were closed for want of a pong.
class WhoPipelines : public testing::TestWithParam<std::string> {};

TEST_P(WhoPipelines, DoesNotKeepADecoder) {
  constexpr int kRounds = 50;
  constexpr std::size_t kClients = 5;
  const std::string& frame = GetParam();
  for (const std::uint32_t decoders : {1U, 2U, 4U, 5U, 6U}) {
    ShardWorld world(lending_options(decoders));
    std::vector<FileSlot> files;
    std::vector<std::size_t> answers(kClients);
    for (std::size_t i = 0; i < kClients; ++i) files.push_back(world.open_client());
    for (const FileSlot file : files) world.send(file, frame.substr(0, 4));
    for (int round = 1; round <= kRounds; ++round) {
      // Every read ends inside a frame.
      for (const FileSlot file : files) {
        world.ring().client_send(file, frame.substr(4) + frame + frame.substr(0, 4));
      }
      world.turn();
      for (std::size_t i = 0; i < kClients; ++i) {
        answers[i] += world.frames(files[i]).size();
        // All that is whole, but for who waited for another's next frame in this turn.
        ASSERT_GE(answers[i], static_cast<std::size_t>(2 * (round - 1))) << i << " of " << decoders;
      }
    }
    // With the last halves of all, all of it.
    for (const FileSlot file : files) world.ring().client_send(file, frame.substr(4));
    world.turn();
    for (std::size_t i = 0; i < kClients; ++i) {
      EXPECT_EQ(answers[i] + world.frames(files[i]).size(), 2U * kRounds + 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Frames, WhoPipelines,
                         testing::Values(client_frame(Opcode::kText, R"({"id":9,"rpc":{}})"),
                                         client_frame(Opcode::kPing, "ping")));

TEST(DecoderLendingTest, AnIdleConnectionHoldsNoDecoder) {
  ShardWorld world(lending_options(1));
  std::vector<FileSlot> files;
  for (int i = 0; i < 10; ++i) files.push_back(world.open_client());
  for (const FileSlot file : files) {
    world.send_text(file, kSubscribe);
    EXPECT_EQ(world.texts(file).size(), 1U);
  }
}

}  // namespace
}  // namespace millrace

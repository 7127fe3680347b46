#include "net/api/api_nodes.h"

#include <gtest/gtest.h>

#include "tests/support/api_world.h"
#include "tests/support/played_link.h"

namespace millrace {
namespace {

class ApiNodesTest : public ::testing::Test {
 protected:
  ApiNodesTest() {
    auto link = std::make_unique<PlayedLink>(waker_);
    link_ = link.get();
    port_ = std::make_unique<NatsPort>(options_, std::move(link), timers_, random_, metrics_);
    set_this_shard(ShardId{0});
    nodes_ = std::make_unique<ApiNodes>(*port_, directory_, timers_, world_.shard().api());
    link_->come_up();
    turn();
    directory_.hears(true, now());
    directory_.heard({.id = other_, .number = 1, .goodbye = false, .facts = {}}, now());
    world_.advance(NodeDirectory::kSettle);
    turn();
  }
  [[nodiscard]] Instant now() { return world_.clock().now(); }
  void turn() {
    set_this_shard(ShardId{0});
    timers_.advance(now());
    port_->drain(now());
    while (!link_->requests.empty()) {
      link_->answer_all();
      port_->drain(now());
    }
    directory_.expire(now());
    world_.turn();
  }
  void advance(Duration span, bool beat) {
    for (; span.ns > 0; span = span - milliseconds(100)) {
      world_.advance(milliseconds(100));
      if (beat) directory_.heard({.id = other_, .number = ++beats_, .facts = {}}, now());
      turn();
    }
  }
  std::uint64_t begin(ApiMethod method, const std::string& params) {
    const std::uint64_t call = world_.begin(method, params);
    turn();
    return call;
  }
  void reply(const std::string& data, const std::string& status = "") {
    NatsPost post{.subject = link_->seen.back().post.reply, .data = data};
    if (!status.empty()) post.headers = {{"Status", status}};
    link_->bring(link_->seen.front().subscription, post);
    turn();
  }
  [[nodiscard]] std::size_t questions() const {
    std::size_t count = 0;
    for (const NatsRequest& each : link_->seen) count += each.post.reply.empty() ? 0 : 1;
    return count;
  }

  NatsOptions options_;
  ApiWorld world_{1};
  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  TimerWheel timers_{world_.clock().now()};
  Random random_{7};
  ShardMetrics metrics_;
  NodeDirectory directory_{NodeId::random(random_)};
  NodeId other_ = NodeId::random(random_);
  std::uint64_t beats_ = 1;
  PlayedLink* link_ = nullptr;
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<ApiNodes> nodes_;
};

TEST_F(ApiNodesTest, AsksAndTellsWhatIsAnswered) {
  const std::uint64_t call = begin(ApiMethod::kChannels, R"({"pattern":"*"})");
  EXPECT_EQ(link_->seen.back().post.subject,
            "millrace.node." + std::string(other_.text()) + ".api.channels");
  EXPECT_EQ(link_->seen.back().post.data, R"({"pattern":"*"})");
  EXPECT_EQ(world_.answer(call), "");
  reply(R"({"result":{"channels":{"a":{"num_clients":2}}}})");
  EXPECT_EQ(world_.answer(call), R"({"result":{"channels":{"a":{"num_clients":2}}}})");
  EXPECT_EQ(nodes_->questions(), 0U);
}

TEST_F(ApiNodesTest, WhatIsAnsweredMayBeAnError) {
  const std::uint64_t call = begin(ApiMethod::kSubscribe, R"({"user":"u","channel":"a"})");
  reply(R"({"error":{"code":106,"message":"limit"}})");
  EXPECT_TRUE(world_.answer(call).starts_with(R"({"error":{"code":106,)"));
}

TEST_F(ApiNodesTest, ALivingNodeThatDoesNotAnswerIsAnError) {
  const std::uint64_t call = begin(ApiMethod::kDisconnect, R"({"user":"u"})");
  advance(ApiNodes::kNodePatience + milliseconds(200), true);
  EXPECT_TRUE(world_.answer(call).starts_with(R"({"error":{"code":100,)")) << world_.answer(call);
  EXPECT_EQ(nodes_->questions(), 0U);
}

TEST_F(ApiNodesTest, ANodeThatDiesIsLeftOutWhenItIsGone) {
  const std::uint64_t call = begin(ApiMethod::kDisconnect, R"({"user":"u"})");
  advance(milliseconds(2'500), false);
  EXPECT_EQ(world_.answer(call), "");
  advance(milliseconds(1'200), false);
  EXPECT_FALSE(directory_.known(other_));
  EXPECT_EQ(world_.answer(call), R"({"result":{}})");
  EXPECT_EQ(nodes_->questions(), 0U);
}

TEST_F(ApiNodesTest, OneThatNobodyAnswersForIsAskedAgain) {
  const std::uint64_t call = begin(ApiMethod::kDisconnect, R"({"user":"u"})");
  const std::size_t before = questions();
  reply("", "503");
  EXPECT_EQ(world_.answer(call), "");
  advance(ApiNodes::kAgain + milliseconds(100), true);
  EXPECT_EQ(questions(), before + 1);
  reply(R"({"result":{}})");
  EXPECT_EQ(world_.answer(call), R"({"result":{}})");
}

TEST_F(ApiNodesTest, WhoHearsNobodyCanNotSayThatAllHaveDoneIt) {
  directory_.hears(false, now());
  EXPECT_EQ(world_.code(ApiMethod::kDisconnect, R"({"user":"u"})"), 100U);
  EXPECT_EQ(questions(), 0U);
}

}  // namespace
}  // namespace millrace

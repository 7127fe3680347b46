#include "net/server/drain.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

ClientShardOptions drain_over(Duration timeout) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.drain_timeout = timeout;
  options.connections.capacity = 2'048;
  return options;
}

// Notes what is asked of the listening sockets.
struct Gate final : ListenGate {
  explicit Gate(ShardWorld& world) : world_(world) { world.shared().drain.gate = this; }
  ~Gate() { world_.shared().drain.gate = nullptr; }
  void hold(ShardId shard) override { calls += "hold " + std::to_string(shard.value) + ";"; }
  void close(ShardId shard) override {
    calls += "close " + std::to_string(shard.value) + ";";
    pending = world_.ring(shard.value).pending_accepts(ShardWorld::kListener);
  }
  std::string calls;
  std::size_t pending = 99;

 private:
  ShardWorld& world_;
};

class DrainTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kFiles = 2'048;

  explicit DrainTest(Duration timeout = seconds(10))
      : world_(drain_over(timeout), 1, 10'000, kFiles), gate_(world_) {}

  std::vector<FileSlot> open_clients(std::size_t count) {
    std::vector<FileSlot> files;
    for (std::size_t i = 0; i < count; ++i) files.push_back(world_.open_client());
    return files;
  }
  void begin() {
    world_.shared().draining.store(true);
    world_.turn();
  }
  void hurry() {
    world_.shared().drain.hurry.store(true);
    world_.turn();
  }
  // Who has been told since the last call; they leave as a client should.
  std::vector<std::uint32_t> told(const std::vector<FileSlot>& files) {
    std::vector<std::uint32_t> found;
    for (const FileSlot file : files) {
      if (!world_.ring().is_open(file) || world_.ring().sent(file).empty()) continue;
      EXPECT_EQ(world_.close_code(file), 3001);
      found.push_back(file.value);
      world_.send(file, client_close_frame(3001));
    }
    return found;
  }
  bool done() { return world_.shard().drained() && world_.shared().clients_running.load() == 0; }

  ShardWorld world_;
  Gate gate_;
};

TEST_F(DrainTest, TellsOneAfterTheOtherInRandomOrder) {
  const auto files = open_clients(1'000);
  begin();
  std::vector<std::uint32_t> order;
  std::map<std::int64_t, std::size_t> by_second;
  for (std::int64_t ms = 0; ms < 9'600; ms += 20) {
    for (const std::uint32_t file : told(files)) {
      order.push_back(file);
      ++by_second[(ms - 520) / 1'000];  // seen a step later
    }
    EXPECT_EQ(world_.metrics().connections, 1'000 - order.size());
    world_.advance(milliseconds(20));
  }
  ASSERT_EQ(order.size(), 1'000U);
  // From 0.5 to 9.5 s: 9 seconds, 111 in each, and the first ones at once.
  for (const auto& [second, count] : by_second) {
    EXPECT_NEAR(static_cast<double>(count), 111.0, 3.0) << second;
  }
  EXPECT_EQ(by_second.size(), 9U);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  EXPECT_TRUE(done()) << "earlier than the end, because everyone left";
  EXPECT_EQ(world_.shared().drain.told.load(), 1'000U);
  EXPECT_EQ(world_.shared().drain.cut_off.load(), 0U);
}

TEST_F(DrainTest, WhoIsInTheAcceptQueueIsServedLikeTheOthers) {
  begin();
  EXPECT_EQ(gate_.calls, "hold 0;");
  world_.advance(milliseconds(480));
  const FileSlot file = world_.open_client();
  EXPECT_EQ(gate_.calls, "hold 0;");
  world_.advance(milliseconds(24));
  EXPECT_EQ(gate_.calls, "hold 0;close 0;");
  EXPECT_EQ(gate_.pending, 0U);
  EXPECT_EQ(world_.close_code(file), 3001);
  EXPECT_EQ(world_.metrics().disconnects_total[3001], 1U);
}

TEST_F(DrainTest, WithoutClientsItEndsWithTheGrace) {
  begin();
  world_.advance(milliseconds(496));
  EXPECT_FALSE(done());
  world_.advance(milliseconds(8));
  EXPECT_TRUE(done());
  EXPECT_TRUE(world_.shard().reactor().stopping());
}

TEST_F(DrainTest, WhatIsQueuedGoesFirst) {
  const auto files = open_clients(1);
  world_.send_text(files[0], R"({"id":2,"subscribe":{"channel":"a"}})");
  world_.ring().set_send_budget(files[0], 0);
  world_.send_text(files[0], R"({"id":3,"publish":{"channel":"a","data":"last news"}})");
  begin();
  world_.advance(milliseconds(504));
  world_.ring().clear_send_budget(files[0]);
  world_.turn();
  const auto frames = world_.frames(files[0]);
  ASSERT_GE(frames.size(), 3U);
  EXPECT_EQ(frames.back().opcode, Opcode::kClose);
  std::string all;
  for (const ServerFrame& frame : frames) all += frame.payload;
  EXPECT_NE(all.find("last news"), std::string::npos);
  world_.send(files[0], client_close_frame(3001));
  EXPECT_TRUE(done());
  EXPECT_EQ(world_.shared().drain.unsent_bytes.load(), 0U);
}

TEST_F(DrainTest, WhatCouldNotBeSentIsCounted) {
  const auto files = open_clients(1);
  world_.ring().set_send_budget(files[0], 0);
  world_.send_text(files[0], R"({"id":2,"subscribe":{"channel":"a"}})");
  const std::uint64_t queued = world_.metrics().queued_bytes;
  EXPECT_GT(queued, 0U);
  begin();
  world_.advance(milliseconds(504));
  const std::uint64_t with_goodbye = world_.metrics().queued_bytes;
  EXPECT_GT(with_goodbye, queued);
  // Its time to answer the close frame is over before the drain is.
  world_.advance(seconds(6));
  EXPECT_TRUE(done());
  EXPECT_EQ(world_.metrics().unsent_bytes_total, with_goodbye);
  EXPECT_EQ(world_.shared().drain.unsent_bytes.load(), with_goodbye);
}

TEST_F(DrainTest, WhoStaysIsCutOffAtTheEnd) {
  ClientShardOptions options = drain_over(seconds(3));  // less than a close may take
  ShardWorld world(options);
  static_cast<void>(world.open_client());
  world.begin_drain();
  world.advance(milliseconds(2'490));
  EXPECT_FALSE(world.shard().drained());
  world.advance(milliseconds(20));
  EXPECT_TRUE(world.shard().drained());
  EXPECT_EQ(world.shared().drain.cut_off.load(), 1U);
  EXPECT_EQ(world.shared().drain.told.load(), 1U);
}

TEST_F(DrainTest, AHurryTellsAllAtOnceAndEndsASecondLater) {
  const auto files = open_clients(100);
  begin();
  world_.advance(seconds(2));
  EXPECT_LT(told(files).size(), 30U);
  hurry();
  for (const FileSlot file : files) {
    if (!world_.ring().is_open(file)) continue;
    EXPECT_EQ(world_.close_code(file), 3001);
  }
  world_.advance(milliseconds(990));
  EXPECT_FALSE(done());
  world_.advance(milliseconds(20));
  EXPECT_TRUE(done());
  EXPECT_GT(world_.shared().drain.cut_off.load(), 70U);
}

TEST_F(DrainTest, AHurryInTheGraceEndsThat) {
  const auto files = open_clients(10);
  begin();
  hurry();
  EXPECT_EQ(told(files).size(), 10U);
  EXPECT_EQ(gate_.calls, "hold 0;close 0;");
  EXPECT_TRUE(done());
}

TEST_F(DrainTest, AHurryAloneIsNoDrain) {
  const FileSlot file = world_.open_client();
  hurry();
  EXPECT_EQ(gate_.calls, "");
  EXPECT_TRUE(world_.frames(file).empty());
  begin();
  EXPECT_EQ(world_.close_code(file), 3001);
}

TEST_F(DrainTest, AHurryAtTheEndDoesNotPutItOff) {
  static_cast<void>(open_clients(1));
  begin();
  world_.advance(milliseconds(504));
  world_.advance(seconds(4));
  static_cast<void>(open_clients(0));
  hurry();
  world_.advance(milliseconds(1'010));
  EXPECT_TRUE(done());
}

// A shard that did not run all the while tells everybody before it cuts them off.
TEST_F(DrainTest, NobodyIsCutOffWithoutAWord) {
  const auto files = open_clients(20);
  begin();
  world_.clock().advance(seconds(30));
  world_.turn_one(0);
  world_.turn();
  for (const FileSlot file : files) EXPECT_EQ(world_.close_code(file), 3001);
  EXPECT_TRUE(done());
}

class DrainInNoTime : public DrainTest {
 protected:
  DrainInNoTime() : DrainTest(Duration{}) {}
};

TEST_F(DrainInNoTime, TellsAndCutsOff) {
  const auto files = open_clients(3);
  begin();
  world_.turn();
  EXPECT_EQ(gate_.calls, "hold 0;close 0;");
  world_.advance(milliseconds(20));
  EXPECT_TRUE(done());
  for (const FileSlot file : files) EXPECT_EQ(world_.close_code(file), 3001);
}

}  // namespace
}  // namespace millrace

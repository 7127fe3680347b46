#include "net/server/memory_watch.h"

#include <gtest/gtest.h>

#include <string>

#include "core/mem/memory_reserve.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

class MemoryWatchTest : public testing::Test {
 protected:
  static constexpr auto kMemory = static_cast<std::size_t>(RejectReason::kMemory);
  void SetUp() override { ASSERT_TRUE(MemoryReserve::install(64 * 1024).ok()); }
  void TearDown() override { MemoryReserve::uninstall(); }
};

TEST_F(MemoryWatchTest, ATurnAfterThePauseTakesTheReserveAnew) {
  ShardWorld world;
  ASSERT_TRUE(MemoryReserve::give_back());
  world.turn_one(0);
  EXPECT_TRUE(MemoryReserve::is_out());
  world.advance(MemoryWatch::kBetweenTries);
  EXPECT_FALSE(MemoryReserve::is_out());
}

TEST_F(MemoryWatchTest, AnotherShardDoesNotTakeItFromTheTurnThatNeedsIt) {
  ShardWorld world(ShardWorld::insecure_options(), 2);
  world.advance(seconds(10));
  ASSERT_TRUE(MemoryReserve::give_back());
  world.turn_one(1);
  EXPECT_TRUE(MemoryReserve::is_out());
  world.turn_one(0);
  EXPECT_TRUE(MemoryReserve::is_out());
  world.advance(MemoryWatch::kBetweenTries);
  EXPECT_FALSE(MemoryReserve::is_out());
}

TEST_F(MemoryWatchTest, ALossAndItsEndAreLoggedOnceEach) {
  ShardWorld world(ShardWorld::insecure_options(), 2);
  testing::internal::CaptureStderr();
  ASSERT_TRUE(MemoryReserve::give_back());
  world.turn();
  world.advance(MemoryWatch::kBetweenTries);
  const std::string log = testing::internal::GetCapturedStderr();
  const std::size_t lost = log.find("out of memory: the reserve was given back");
  ASSERT_NE(lost, std::string::npos) << log;
  EXPECT_EQ(lost, log.rfind("out of memory")) << log;
  const std::size_t back = log.find("memory is back");
  ASSERT_NE(back, std::string::npos) << log;
  EXPECT_EQ(back, log.rfind("memory is back")) << log;
  EXPECT_LT(lost, back);
}

TEST_F(MemoryWatchTest, ManyLossesDoNotFillTheLog) {
  ShardWorld world;
  testing::internal::CaptureStderr();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(MemoryReserve::give_back());
    world.turn_one(0);
    world.advance(MemoryWatch::kBetweenTries);
    ASSERT_FALSE(MemoryReserve::is_out()) << i;
  }
  const std::string log = testing::internal::GetCapturedStderr();
  // Four of each kind in ten seconds, which a hundred pauses just are.
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 16) << log;
}

TEST_F(MemoryWatchTest, NewcomersAreRefusedWhileTheReserveIsOut) {
  ShardWorld world;
  const FileSlot before = world.open_client();
  const std::uint64_t taken = world.shared().connections.taken();
  const FileSlot newcomer = world.ring().connect(ShardWorld::kListener);
  // Its accept is handled in a turn that begins without the reserve.
  ASSERT_TRUE(MemoryReserve::give_back());
  world.turn();
  const std::string answer = world.ring().take_sent(newcomer);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_NE(answer.find("Retry-After: "), std::string::npos) << answer;
  EXPECT_NE(answer.find("short of memory"), std::string::npos) << answer;
  EXPECT_EQ(world.metrics().rejected_total[kMemory], 1U);
  EXPECT_EQ(world.shared().connections.taken(), taken) << "it holds no unit of the quota";

  world.send_text(before, R"({"id":2,"subscribe":{"channel":"a"}})");
  EXPECT_EQ(world.texts(before).size(), 1U) << "clients are served on";
  world.advance(MemoryWatch::kBetweenTries);
  const FileSlot later = world.open_websocket();
  EXPECT_TRUE(world.ring().is_open(later));
  EXPECT_EQ(world.metrics().rejected_total[kMemory], 1U);
}

}  // namespace
}  // namespace millrace

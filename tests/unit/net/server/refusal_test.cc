#include "net/server/refusal.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr Bytes kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

ShardWorld full_world() { return ShardWorld(ShardWorld::insecure_options(), 1, 0); }

TEST(Refusal, SaysWhenToComeBackSpreadOverTenSeconds) {
  ShardWorld world = full_world();
  std::set<int> seen;
  for (int i = 0; i < 200; ++i) {
    const FileSlot file = world.connect();
    const std::string answer = world.ring().take_sent(file);
    ASSERT_TRUE(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << answer;
    ASSERT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    const std::size_t at = answer.find("Retry-After: ");
    ASSERT_NE(at, std::string::npos);
    seen.insert(std::stoi(answer.substr(at + 13)));
    world.ring().client_close(file);
    world.turn();
    ASSERT_FALSE(world.ring().is_open(file));
  }
  EXPECT_EQ(seen, (std::set<int>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(world.metrics().rejected_total[0], 200U);
}

TEST(Refusal, EndsWithTheHeadOfTheRequestWhichGetsNoSecondAnswer) {
  ShardWorld world = full_world();
  const FileSlot file = world.connect();
  world.send(file, kRequest.substr(0, kRequest.size() - 1));
  EXPECT_TRUE(world.ring().is_open(file)) << "a close now would reset it";
  world.send(file, "\n");
  EXPECT_FALSE(world.ring().is_open(file));
  const std::string answer = world.ring().sent(file);
  EXPECT_EQ(answer.find("HTTP/1.1"), answer.rfind("HTTP/1.1"));
}

TEST(Refusal, FindsTheEndOfAHeadHoweverItIsCut) {
  for (std::size_t cut = 1; cut < kRequest.size(); ++cut) {
    ShardWorld world = full_world();
    const FileSlot file = world.connect();
    world.send(file, kRequest.substr(0, cut));
    ASSERT_TRUE(world.ring().is_open(file)) << cut;
    world.send(file, kRequest.substr(cut));
    ASSERT_FALSE(world.ring().is_open(file)) << cut;
  }
  for (const char* not_yet : {"\r\n\r", "\r\r\n\r", "\n\n", "\r\n\n\r\n", "\r\n\r\r\n"}) {
    ShardWorld world = full_world();
    const FileSlot file = world.connect();
    world.send(file, not_yet);
    EXPECT_TRUE(world.ring().is_open(file)) << not_yet;
  }
}

TEST(Refusal, ThePeerThatDoesNotCloseIsClosed) {
  ShardWorld world = full_world();
  const FileSlot lingers = world.connect();
  const FileSlot dribbles = world.connect();
  for (int i = 0; i < 24; ++i) {
    world.send(dribbles, "x");
    world.advance(milliseconds(10));
  }
  EXPECT_TRUE(world.ring().is_open(lingers));
  world.advance(milliseconds(20));
  EXPECT_FALSE(world.ring().is_open(lingers));
  EXPECT_FALSE(world.ring().is_open(dribbles)) << "bytes don't move the end";
}

TEST(Refusal, ThePeerThatTakesNothingIsClosed) {
  ShardWorld world = full_world();
  set_this_shard(ShardId{0});
  const FileSlot file = world.ring().connect(ShardWorld::kListener);
  world.ring().set_send_budget(file, 0);
  world.turn();
  world.send(file, kRequest);
  EXPECT_TRUE(world.ring().is_open(file)) << "the answer has not left yet";
  world.advance(milliseconds(260));
  EXPECT_FALSE(world.ring().is_open(file));
}

TEST(Refusal, EachReasonSaysItsOwn) {
  std::set<Bytes> texts;
  for (const RejectReason reason :
       {RejectReason::kConnectionLimit, RejectReason::kDescriptors, RejectReason::kDraining,
        RejectReason::kMemory, RejectReason::kHalfOpen, RejectReason::kAddress}) {
    const Refusal::Answer answer = Refusal::answer_to(reason);
    EXPECT_EQ(answer.status, reason == RejectReason::kAddress ? 429U : 503U);
    EXPECT_TRUE(texts.insert(answer.why).second) << answer.why;
  }
}

}  // namespace
}  // namespace millrace

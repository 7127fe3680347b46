#include "net/server/refusal.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

ShardWorld full_world(std::uint32_t capacity = 1'024) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.connections.capacity = capacity;
  return ShardWorld(options, 1, 0);
}

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

TEST(Refusal, NeedsNoRequestAndReadsNone) {
  ShardWorld world = full_world();
  const FileSlot file = world.connect();
  world.send(file, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = world.ring().sent(file);
  EXPECT_EQ(answer.find("HTTP/1.1"), answer.rfind("HTTP/1.1"));
}

TEST(Refusal, ThePeerThatDoesNotCloseIsClosed) {
  ShardWorld world = full_world(2);
  const FileSlot lingers = world.connect();
  const FileSlot does_not_read = world.connect();
  world.advance(milliseconds(1'010));
  EXPECT_FALSE(world.ring().is_open(lingers));
  EXPECT_FALSE(world.ring().is_open(does_not_read));
  EXPECT_TRUE(world.ring().sent(world.connect()).starts_with("HTTP/1.1 503")) << "slots are back";
}

}  // namespace
}  // namespace millrace

// A shard leaves a server in lame duck mode. Whole clusters: tests/e2e/nats_cluster.test.mjs.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/nats_harness.h"
#include "tests/support/nats_server.h"

namespace millrace {
namespace {

std::vector<std::string> clustered(std::uint16_t own, std::uint16_t other) {
  return {"--cluster_name", "test",
          "--cluster",      "nats://127.0.0.1:" + std::to_string(own),
          "--routes",       "nats://127.0.0.1:" + std::to_string(other)};
}

class NatsLinkMove : public ::testing::Test {
 protected:
  NatsLinkMove() {
    CHECK(eventually([this] {
      return a_.monitored("/routez", "num_routes") > 0 && b_.monitored("/routez", "num_routes") > 0;
    }));
  }

  [[nodiscard]] NatsOptions options() const {
    NatsOptions options;
    options.urls = {a_.url(), b_.url()};
    options.reconnect_wait_ms = 50;
    options.flush_timeout_ms = 500;
    options.connect_timeout_ms = 500;
    return options;
  }
  bool is_at(BrokerShard& shard, const NatsServer& server, std::int64_t subscriptions) {
    return shard.until(
        [&] { return server.monitored("/connz", "subscriptions") == subscriptions; });
  }

  const std::uint16_t route_a_ = free_port();
  const std::uint16_t route_b_ = free_port();
  NatsServer a_{clustered(route_a_, route_b_)};
  NatsServer b_{clustered(route_b_, route_a_)};
};

TEST_F(NatsLinkMove, ToTheOtherServerWithAllThatIsSubscribedAndNoOutage) {
  BrokerShard shard(options());
  ASSERT_TRUE(shard.until_up());
  constexpr int kChannels = 500;
  for (int i = 0; i < kChannels; ++i) static_cast<void>(shard.add("game:" + std::to_string(i)));
  shard.add_live("game:abc");
  ASSERT_TRUE(is_at(shard, a_, kChannels + 1));
  NatsClient client(b_.url());
  a_.lame_duck();
  int sent = 0;
  bool left = false;
  // One that comes and one that goes in the middle of it.
  for (int turn = 0; turn < 4'000 && !left; ++turn) {
    client.publish("game.abc", std::to_string(sent++));
    client.flush();
    shard.turns_for(1);
    if (turn == 50) static_cast<void>(shard.add("game:late"));
    if (turn == 60) shard.broker().remove_interest("game:0");
    left = turn % 50 == 0 && a_.monitored("/connz", "num_connections") == 0;
    EXPECT_EQ(shard.metrics.broker_ready, 1U);
  }
  ASSERT_TRUE(left);
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() >= std::size_t(sent); }));
  shard.turns_for(100);
  ASSERT_EQ(shard.publications.size(), static_cast<std::size_t>(sent));
  for (int i = 0; i < sent; ++i) {
    EXPECT_EQ(shard.publications[static_cast<std::size_t>(i)].data, std::to_string(i));
  }
  for (int i = 1; i < kChannels; ++i) client.publish("game." + std::to_string(i), "1");
  client.publish("game.0", "1");
  client.publish_now("game.late", "1");
  const std::size_t all = static_cast<std::size_t>(sent + kChannels);
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() >= all; }));
  shard.turns_for(100);
  EXPECT_EQ(shard.publications.size(), all);
  EXPECT_TRUE(shard.publish_accepted("game:abc", "1"));
  EXPECT_EQ(shard.metrics.broker_outages_total, 0U);
  EXPECT_LT(shard.longest, milliseconds(100));

  // The life goes on at the other one.
  a_.kill();
  shard.turns_for(300);
  EXPECT_EQ(shard.metrics.broker_outages_total, 0U);
  b_.kill();
  ASSERT_TRUE(shard.until([&] { return shard.metrics.broker_ready == 0; }));
  b_.restart();
  ASSERT_TRUE(shard.until_up());
  EXPECT_TRUE(shard.publish_accepted("game:abc", "1"));
}

// Where the other server can't be reached, it stays and tries again; and ends in the middle of it.
TEST_F(NatsLinkMove, StaysWhereItIsWhileThereIsNoOther) {
  BrokerShard shard(options());
  ASSERT_TRUE(shard.until_up());
  shard.add_live("game:abc");
  NatsClient client(a_.url());
  b_.kill();
  a_.lame_duck();
  for (int i = 0; i < 20; ++i) {
    client.publish_now("game.abc", std::to_string(i));
    shard.turns_for(20);
  }
  EXPECT_EQ(shard.publications.size(), 20U);
  EXPECT_EQ(shard.metrics.broker_outages_total, 0U);
  b_.restart();
  ASSERT_TRUE(is_at(shard, b_, 1));
  shard.destroy();
}

TEST_F(NatsLinkMove, AServerThatDiesBeforeItIsLeftIsAnOutageLikeAnother) {
  BrokerShard shard(options());
  ASSERT_TRUE(shard.until_up());
  shard.add_live("game:abc");
  a_.lame_duck();
  ASSERT_TRUE(is_at(shard, b_, 1)) << "both are there";
  a_.kill();
  ASSERT_TRUE(shard.until([&] { return shard.metrics.broker_outages_total == 1; }));
  ASSERT_TRUE(shard.until_up());
  NatsClient client(b_.url());
  client.publish_now("game.abc", "1");
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() == 1; }));
  shard.turns_for(100);
  EXPECT_EQ(shard.publications.size(), 1U);
}

}  // namespace
}  // namespace millrace

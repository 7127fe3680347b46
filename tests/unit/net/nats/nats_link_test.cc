#include "net/nats/nats_link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/nats_harness.h"
#include "tests/support/nats_server.h"

namespace millrace {
namespace {

constexpr Duration kAtOnce = milliseconds(100);  // no call of the broker's may take longer

NatsOptions options_for(const NatsServer& server) {
  NatsOptions options;
  options.urls = {server.url()};
  options.reconnect_wait_ms = 50;
  options.flush_timeout_ms = 500;
  options.connect_timeout_ms = 500;
  return options;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(NatsLink, AKilledServerThatComesBackIsHeardAgainOnce) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  constexpr int kChannels = 2'000;
  for (int i = 0; i < kChannels; ++i) static_cast<void>(shard.add("game:" + std::to_string(i)));
  ASSERT_TRUE(shard.until([&] {
    return shard.metrics.broker_ready == 1 &&
           server.monitored("/connz", "subscriptions") == kChannels;
  }));
  EXPECT_EQ(shard.metrics.broker_outages_total, 0U);

  server.kill();
  ASSERT_TRUE(shard.until([&] { return shard.metrics.broker_ready == 0; }));
  EXPECT_FALSE(shard.broker().status().ready);
  EXPECT_TRUE(has(shard.broker().status().cause, "NATS " + server.url() + " is away since 0 s"))
      << shard.broker().status().cause;
  EXPECT_EQ(shard.metrics.broker_outages_total, 1U);
  const RequestToken refused = shard.publish("game:1", "1");
  EXPECT_EQ(shard.settled.back(), (BrokerShard::Settled{refused, PublishOutcome::kUnavailable}));
  EXPECT_TRUE(shard.add("game:new")) << "at once, while the broker is away";
  shard.broker().remove_interest("game:0");
  shard.broker().remove_interest("game:1");
  EXPECT_TRUE(shard.add("game:1"));
  shard.turns_for(300);
  const std::uint64_t outage = shard.metrics.broker_outage_ms_total;
  EXPECT_GE(outage, 250U);

  server.restart();
  ASSERT_TRUE(shard.until_up());
  EXPECT_TRUE(shard.broker().status().ready);
  EXPECT_EQ(shard.broker().status().cause, "");
  EXPECT_EQ(server.monitored("/connz", "subscriptions"), kChannels)
      << "all of them, before it says that it is up";
  NatsClient client(server.url());
  for (int i = 0; i < kChannels; ++i) {
    client.publish("game." + std::to_string(i), std::to_string(i));
  }
  client.publish("game.new", "\"new\"");
  client.flush();
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() >= kChannels; }));
  shard.turns_for(100);
  EXPECT_EQ(shard.publications.size(), std::size_t{kChannels});
  std::set<std::string> channels;
  for (const SeenMessage& message : shard.publications) channels.insert(message.subject);
  EXPECT_EQ(channels.size(), std::size_t{kChannels});
  EXPECT_FALSE(channels.contains("game:0"));
  EXPECT_TRUE(channels.contains("game:1"));
  EXPECT_TRUE(channels.contains("game:new"));
  EXPECT_TRUE(shard.publish_accepted("game:1", "1"));
  EXPECT_EQ(shard.metrics.broker_outages_total, 1U);
  EXPECT_LT(shard.longest, kAtOnce);
}

TEST(NatsLink, AnOutageThatNobodySawIsCounted) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  ASSERT_TRUE(shard.until_up());
  server.kill();
  ASSERT_TRUE(eventually([&] { return !shard.broker().status().ready; }));
  server.restart();
  ASSERT_TRUE(eventually([&] { return shard.broker().status().ready; }));
  EXPECT_TRUE(shard.port().ready()) << "there is something to write down";
  shard.turn();
  EXPECT_EQ(shard.metrics.broker_outages_total, 1U);
  shard.turn();
  EXPECT_EQ(shard.metrics.broker_outages_total, 1U);
  EXPECT_FALSE(shard.port().ready());
}

TEST(NatsLink, KillsUnderLoadLoseButNeverDoubleOrReorder) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  ASSERT_TRUE(shard.until_up());
  shard.add_live("game:abc");
  int next = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 500; ++i) {
      static_cast<void>(shard.publish("game:abc", std::to_string(next++)));
      if (i == 250) server.kill();
      if (i % 10 == 0) shard.turn();
    }
    ASSERT_TRUE(shard.until([&] { return shard.settled.size() == std::size_t(next); }))
        << "every publish has its outcome";
    server.restart();
    ASSERT_TRUE(shard.until_up());
  }
  ASSERT_TRUE(shard.publish_accepted("game:abc", std::to_string(next)));
  ASSERT_TRUE(shard.until([&] {
    return !shard.publications.empty() && shard.publications.back().data == std::to_string(next);
  }));
  std::set<RequestToken> tokens;
  for (const auto& settled : shard.settled) tokens.insert(settled.token);
  EXPECT_EQ(tokens.size(), shard.settled.size()) << "and only one";
  int last = -1;
  for (const SeenMessage& message : shard.publications) {
    ASSERT_GT(std::stoi(message.data), last);
    last = std::stoi(message.data);
  }
  EXPECT_EQ(shard.metrics.broker_outages_total, 3U);
  EXPECT_LT(shard.longest, kAtOnce);
}

TEST(NatsLink, AStoppedServerBlocksNobodyAndIsTakenUpAgain) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  ASSERT_TRUE(shard.until_up());
  shard.add_live("game:abc");
  server.freeze();
  const auto begin = std::chrono::steady_clock::now();
  const std::string large = "\"" + std::string(100'000, 'x') + "\"";
  for (int i = 0; i < 100; ++i) static_cast<void>(shard.publish("game:abc", large));
  EXPECT_FALSE(shard.add("game:new"));
  ASSERT_TRUE(shard.until([&] { return shard.settled.size() == 100 && shard.ready.size() == 2; }));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(took, std::chrono::milliseconds(2'500))
      << "a write deadline, a flush and a connect timeout";
  for (const auto& settled : shard.settled) {
    EXPECT_EQ(settled.outcome, PublishOutcome::kUnavailable);
  }
  EXPECT_FALSE(shard.broker().status().ready);
  EXPECT_TRUE(shard.add("game:meanwhile"));
  shard.turns_for(1'000);
  EXPECT_EQ(shard.metrics.broker_outages_total, 1U);
  EXPECT_LT(shard.longest, kAtOnce);

  server.thaw();
  ASSERT_TRUE(shard.until_up());
  shard.turns_for(100);
  shard.publications.clear();  // some of the doubtful ones may have come: at most once, not "not"
  NatsClient client(server.url());
  client.publish("game.abc", "1");
  client.publish("game.new", "2");
  client.publish_now("game.meanwhile", "3");
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() == 3; }));
  EXPECT_EQ(shard.publications[0], (SeenMessage{"game:abc", "1"}));
  EXPECT_TRUE(shard.publish_accepted("game:other", "1"));
  EXPECT_LT(shard.longest, kAtOnce);
}

TEST(NatsLink, ASmallBatchAtAStoppedServerComesBackWithinTheFlushTimeout) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  ASSERT_TRUE(shard.until_up());
  server.freeze();
  const RequestToken token = shard.publish("game:abc", "1");
  ASSERT_TRUE(shard.until([&] { return !shard.settled.empty(); }, 1'000));
  EXPECT_EQ(shard.settled.back(), (BrokerShard::Settled{token, PublishOutcome::kUnavailable}));
  EXPECT_TRUE(has(shard.broker().status().cause, "does not answer"))
      << shard.broker().status().cause;
  server.thaw();
  EXPECT_TRUE(shard.until_up());
}

TEST(NatsLink, StartsWithoutAServerAndFindsItLater) {
  NatsServer server;
  server.kill();
  NatsOptions options = options_for(server);
  options.wait_connected_ms = 100;
  BrokerShard shard(options);
  shard.turn();
  EXPECT_FALSE(shard.broker().status().ready);
  EXPECT_TRUE(has(shard.broker().status().cause, "no connection yet"))
      << shard.broker().status().cause;
  EXPECT_TRUE(shard.add("game:abc"));
  static_cast<void>(shard.publish("game:abc", "1"));
  EXPECT_EQ(shard.settled.size(), 1U);
  shard.turns_for(1'100);
  EXPECT_TRUE(has(shard.broker().status().cause, "away since 1 s"))
      << shard.broker().status().cause;
  server.restart();
  ASSERT_TRUE(shard.until_up());
  EXPECT_EQ(shard.metrics.broker_outages_total, 0U) << "it was never there to be lost";
  NatsClient client(server.url());
  client.publish_now("game.abc", "2");
  ASSERT_TRUE(shard.until([&] { return !shard.publications.empty(); }));
}

// A configuration file for nats-server that may change between two starts.
class ServerConfig {
 public:
  explicit ServerConfig(const std::string& text)
      : path_(::testing::TempDir() + "millrace_nats_" + std::to_string(getpid())) {
    write(text);
  }
  ~ServerConfig() { std::remove(path_.c_str()); }
  ServerConfig(const ServerConfig&) = delete;
  ServerConfig& operator=(const ServerConfig&) = delete;

  void write(const std::string& text) { std::ofstream(path_) << text; }
  [[nodiscard]] std::vector<std::string> arguments() const { return {"-c", path_}; }

 private:
  const std::string path_;
};

TEST(NatsLink, ARefusedLoginIsSaidWithoutTheSecretAndTriedAgain) {
  ServerConfig config("authorization { user: mill, password: s3cret }\n");
  NatsServer server(config.arguments());
  NatsOptions options = options_for(server);
  options.urls = {"nats://mill:wr0ng@" + server.url().substr(7)};
  BrokerShard shard(options);
  ASSERT_TRUE(shard.add("game:abc"));
  const auto refused = [&shard] { return has(shard.broker().status().cause, "uthorization"); };
  ASSERT_TRUE(shard.until(refused)) << shard.broker().status().cause;
  const auto tells_secret = [&shard] {
    const std::string cause = shard.broker().status().cause;
    return has(cause, "wr0ng") || has(cause, "mill:");
  };
  EXPECT_FALSE(tells_secret());
  shard.turns_for(500);

  server.kill();
  config.write("authorization { user: mill, password: wr0ng }\n");
  server.restart();
  ASSERT_TRUE(shard.until_up());
  server.kill();
  ASSERT_TRUE(shard.until([&] { return !shard.broker().status().ready; }));
  EXPECT_FALSE(tells_secret());

  // Now the library gives up after two refusals; the link does not.
  config.write("authorization { user: mill, password: s3cret }\n");
  server.restart();
  ASSERT_TRUE(shard.until(refused)) << shard.broker().status().cause;
  shard.turns_for(500);
  server.kill();
  config.write("authorization { user: mill, password: wr0ng }\n");
  server.restart();
  ASSERT_TRUE(shard.until_up());
  EXPECT_EQ(server.monitored("/connz", "subscriptions"), 1);
}

TEST(NatsLink, AConnectionThatIsClosedForGoodIsMadeAnew) {
  // nats.c takes an -ERR that it doesn't know for the end: one subscription more than allowed.
  const ServerConfig config("max_subscriptions: 5\n");
  NatsServer server(config.arguments());
  BrokerShard shard(options_for(server));
  for (int i = 0; i < 5; ++i) shard.add_live("game:" + std::to_string(i));
  ASSERT_TRUE(shard.until_up());
  static_cast<void>(shard.add("game:5"));
  ASSERT_TRUE(shard.until([&] { return has(shard.broker().status().cause, "aximum"); }))
      << shard.broker().status().cause;
  const std::uint64_t begun = server.monitored("/varz", "total_connections");
  shard.turns_for(500);
  EXPECT_LT(server.monitored("/varz", "total_connections") - begun, 15U) << "it does not hurry";

  shard.broker().remove_interest("game:0");
  ASSERT_TRUE(shard.until([&] {
    return shard.metrics.broker_ready == 1 && server.monitored("/connz", "subscriptions") == 5;
  }));
  shard.turns_for(200);
  EXPECT_TRUE(shard.broker().status().ready) << shard.broker().status().cause;
  NatsClient client(server.url());
  client.publish_now("game.5", "1");
  EXPECT_TRUE(shard.until([&] { return !shard.publications.empty(); }));
}

TEST(NatsLink, EndsInBoundedTimeWhateverTheServerDoes) {
  using Clock = std::chrono::steady_clock;
  for (const bool frozen : {true, false}) {
    NatsServer server;
    BrokerShard shard(options_for(server));
    ASSERT_TRUE(shard.until_up());
    for (int i = 0; i < 100; ++i) static_cast<void>(shard.add("game:" + std::to_string(i)));
    if (frozen) {
      server.freeze();
    } else {
      server.kill();
    }
    for (int i = 0; i < 100; ++i) static_cast<void>(shard.publish("game:1", "1"));
    const Clock::time_point begin = Clock::now();
    shard.destroy();
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5)) << "frozen: " << frozen;
    if (frozen) server.thaw();
  }
}

TEST(NatsLink, EndsWhileMessagesAreStillComing) {
  NatsServer server;
  NatsClient client(server.url());
  for (int round = 0; round < 20; ++round) {
    BrokerShard shard(options_for(server));
    ASSERT_TRUE(shard.until_up());
    shard.add_live("game:abc");
    for (int i = 0; i < 2'000; ++i) client.publish("game.abc", "1");
    if (round % 2 == 0) shard.turn();
  }
}

TEST(CrossThreadNatsLink, SendsAndReceivesBesideTheLibrarysThreads) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  ASSERT_TRUE(shard.until_up());
  shard.add_live("game:in");
  constexpr int kMessages = 5'000;
  std::thread application([&server] {
    NatsClient client(server.url());
    for (int i = 0; i < kMessages; ++i) client.publish("game.in", std::to_string(i));
    client.flush();
  });
  NatsClient listener(server.url());
  listener.subscribe("game.out");
  for (int i = 0; i < kMessages; ++i) {
    static_cast<void>(shard.publish("game:out", std::to_string(i)));
    if (i % 100 == 0) shard.turn();
    if (i % 500 == 0) static_cast<void>(shard.add("game:" + std::to_string(i)));
    if (i % 500 == 400) shard.broker().remove_interest("game:" + std::to_string(i - 400));
  }
  EXPECT_TRUE(shard.until(
      [&] { return shard.publications.size() == kMessages && shard.settled.size() == kMessages; }));
  application.join();
  EXPECT_EQ(shard.metrics.broker_published_total, std::uint64_t{kMessages});
  EXPECT_EQ(listener.received(200).size(), std::size_t{kMessages});
  server.kill();
  EXPECT_TRUE(shard.until([&] { return shard.metrics.broker_ready == 0; }));
  server.restart();
  EXPECT_TRUE(shard.until_up());
}

}  // namespace
}  // namespace millrace

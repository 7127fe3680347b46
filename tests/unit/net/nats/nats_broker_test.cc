#include "net/nats/nats_broker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/nats_harness.h"
#include "tests/support/nats_server.h"

namespace millrace {
namespace {

// So that the leak checker sees what is left when the library is gone.
class LibraryClosed final : public ::testing::Environment {
 public:
  void TearDown() override { static_cast<void>(nats_CloseAndWait(5'000)); }
};
const ::testing::Environment* const kLibraryClosed =
    ::testing::AddGlobalTestEnvironment(std::make_unique<LibraryClosed>().release());

NatsOptions options_for(const NatsServer& server) {
  NatsOptions options;
  options.urls = {server.url()};
  options.wait_connected_ms = 5'000;
  return options;
}

std::string number(int i) { return std::to_string(i); }

TEST(NatsBroker, DeliversTenThousandInOrder) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  shard.add_live("game:abc");
  NatsClient client(server.url());
  constexpr int kMessages = 10'000;
  for (int i = 0; i < kMessages; ++i) client.publish("game.abc", number(i));
  client.flush();
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() >= kMessages; }));
  shard.turns_for(50);
  ASSERT_EQ(shard.publications.size(), std::size_t{kMessages});
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(shard.publications[i], (SeenMessage{"game:abc", number(i)}));
  }
  EXPECT_EQ(shard.metrics.broker_received_total, std::uint64_t{kMessages});
  EXPECT_EQ(shard.metrics.broker_dropped_full_total, 0U);
}

TEST(NatsBroker, WhatIsPublishedAfterReadyIsNeverMissed) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  ASSERT_TRUE(shard.until_up());
  NatsClient client(server.url());
  for (int round = 0; round < 200; ++round) {
    const std::string channel = "game:" + number(round);
    ASSERT_FALSE(shard.add(channel));
    ASSERT_TRUE(shard.ready.empty()) << "never from inside the call";
    ASSERT_TRUE(shard.until([&] { return !shard.ready.empty(); }));
    ASSERT_EQ(shard.ready, (std::vector<BrokerShard::Ready>{{channel, shard.last_interest}}));
    shard.ready.clear();
    client.publish_now("game." + number(round), number(round));
    ASSERT_TRUE(shard.until([&] { return !shard.publications.empty(); }, 2'000)) << round;
    ASSERT_EQ(shard.publications, (std::vector<SeenMessage>{{channel, number(round)}}));
    shard.publications.clear();
  }
}

TEST(NatsBroker, LeavingAndComingBackNeitherDoublesNorDeafens) {
  NatsServer server;
  for (const std::size_t lane : {std::size_t{1}, std::size_t{2}, std::size_t{16'384}}) {
    NatsOptions options = options_for(server);
    options.lane_requests = lane;
    options.name = "lane" + std::to_string(lane);
    BrokerShard shard(options);
    ASSERT_TRUE(shard.until_up());
    NatsClient client(server.url());
    for (int round = 0; round < 100; ++round) {
      static_cast<void>(shard.add("game:abc"));
      for (int again = 0; again < 5; ++again) {
        shard.broker().remove_interest("game:abc");
        if (again % 2 == 0) shard.turn();
        static_cast<void>(shard.add("game:abc"));
      }
      const InterestToken last = shard.last_interest;
      ASSERT_TRUE(shard.until([&] {
        return std::find(shard.ready.begin(), shard.ready.end(),
                         BrokerShard::Ready{"game:abc", last}) != shard.ready.end();
      }));
      shard.ready.clear();
      client.publish_now("game.abc", number(round));
      ASSERT_TRUE(shard.until([&] { return !shard.publications.empty(); }));
      shard.turns_for(2);
      ASSERT_EQ(shard.publications, (std::vector<SeenMessage>{{"game:abc", number(round)}}));
      shard.publications.clear();
      shard.broker().remove_interest("game:abc");
    }
    EXPECT_EQ(shard.metrics.nats_subscriptions, 0U);
    EXPECT_TRUE(shard.until([&] { return server.monitored("/connz", "subscriptions") == 0; }));
  }
}

TEST(NatsBroker, NothingComesAfterTheInterestIsGone) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  shard.add_live("game:abc");
  NatsClient client(server.url());
  client.publish_now("game.abc", "1");  // on its way while the channel is left
  shard.broker().remove_interest("game:abc");
  client.publish_now("game.abc", "2");
  shard.turns_for(100);
  EXPECT_TRUE(shard.publications.empty());
  shard.broker().remove_interest("game:abc");  // nor does it mind being told twice
}

TEST(NatsBroker, APrefixNamespaceIsOneSubscription) {
  NatsServer server;
  NatsOptions options = options_for(server);
  options.prefix_namespaces = {"game", "default"};
  BrokerShard shard(options);
  constexpr int kChannels = 1'000;
  for (int i = 0; i < kChannels; ++i) static_cast<void>(shard.add("game:" + number(i)));
  ASSERT_TRUE(shard.until([&] { return shard.ready.size() == kChannels; }));
  EXPECT_TRUE(shard.add("game:later")) << "the wildcard is live";
  shard.add_live("lobby");
  EXPECT_EQ(shard.metrics.nats_subscriptions, 2U);
  EXPECT_EQ(server.monitored("/connz", "subscriptions"), 2);

  NatsClient client(server.url());
  for (int i = 0; i < kChannels; ++i) client.publish("game." + number(i), number(i));
  client.publish("lobby", "\"hi\"");
  client.flush();
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() == kChannels + 1; }));
  EXPECT_EQ(shard.publications.front(), (SeenMessage{"game:0", "0"}));
  EXPECT_NE(std::find(shard.publications.begin(), shard.publications.end(),
                      SeenMessage{"lobby", "\"hi\""}),
            shard.publications.end());

  for (int i = 0; i < kChannels; ++i) shard.broker().remove_interest("game:" + number(i));
  EXPECT_EQ(shard.metrics.nats_subscriptions, 2U) << "game:later still wants it";
  shard.broker().remove_interest("game:later");
  EXPECT_EQ(shard.metrics.nats_subscriptions, 1U);
  EXPECT_TRUE(eventually([&] { return server.monitored("/connz", "subscriptions") == 1; }));
  shard.add_live("game:again");
  client.publish_now("game.again", "7");
  EXPECT_TRUE(shard.until([&] { return shard.publications.back().subject == "game:again"; }));
}

TEST(NatsBroker, AChannelThatLeftBeforeTheWildcardWasLiveIsNotToldOfIt) {
  NatsServer server;
  NatsOptions options = options_for(server);
  options.prefix_namespaces = {"game"};
  BrokerShard shard(options);
  ASSERT_TRUE(shard.until_up());
  ASSERT_FALSE(shard.add("game:a"));
  ASSERT_FALSE(shard.add("game:b"));
  shard.broker().remove_interest("game:a");
  ASSERT_TRUE(shard.until([&] { return !shard.ready.empty(); }));
  shard.turns_for(20);
  EXPECT_EQ(shard.ready, (std::vector<BrokerShard::Ready>{{"game:b", 2}}));
}

TEST(NatsBroker, DropsWhatIsNoChannelAndWhatIsNoJson) {
  NatsServer server;
  NatsOptions options = options_for(server);
  options.prefix_namespaces = {"game", "default"};
  BrokerShard shard(options);
  shard.add_live("game:x");
  shard.add_live("x");
  NatsClient client(server.url());
  const std::vector<std::string> no_channels{"game.a=3a", "game.a=2", "game.a=41",
                                             "game.\x01", "_x",       "millrace"};
  for (const std::string& subject : no_channels) client.publish(subject, "1");
  client.publish("_INBOX.x", "1");  // no subscription of ours covers it
  const std::vector<std::string> no_json{
      "", "{", "hello", "{\"a\":1}x", "1 2", "\"\xff\"", "[1,]", "\"a\nb\"", std::string("1\0", 2)};
  for (const std::string& payload : no_json) client.publish("game.x", payload);
  client.publish("game.a=3Ab", "{\r\n \"move\":\n1}\r\n");
  client.flush();
  ASSERT_TRUE(shard.until([&] { return !shard.publications.empty(); }));
  shard.turns_for(50);
  EXPECT_EQ(shard.publications, (std::vector<SeenMessage>{{"game:a:b", "{ \"move\":1}"}}));
  EXPECT_EQ(shard.metrics.broker_dropped_subject_total, no_channels.size());
  EXPECT_EQ(shard.metrics.broker_dropped_payload_total, no_json.size());
  EXPECT_EQ(shard.metrics.broker_dropped_full_total, 0U);
}

TEST(NatsBroker, TakesAnyBytesWhereItIsTold) {
  NatsServer server;
  NatsOptions options = options_for(server);
  bool told = true;
  options.max_payload = 100;
  options.takes_any_bytes = [&told](Bytes channel) { return told && channel == "bytes:x"; };
  BrokerShard shard(options);
  shard.add_live("bytes:x");
  shard.add_live("game:x");
  NatsClient client(server.url());
  const std::string all = std::string("\0\xff\r\n{", 5);
  const std::string longest(100, '\n');
  for (const std::string& payload : {all, std::string(), longest, longest + "1"}) {
    client.publish("bytes.x", payload);
  }
  client.publish("game.x", all);
  client.publish("game.x", "1");
  client.flush();
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() == 3; }));
  EXPECT_EQ(shard.publications,
            (std::vector<SeenMessage>{{"bytes:x", all}, {"bytes:x", longest}, {"game:x", "1"}}));
  EXPECT_EQ(shard.metrics.broker_dropped_payload_total, 3U) << "the empty, the long, the JSON one";
  told = false;  // a reload
  client.publish_now("bytes.x", all);
  ASSERT_TRUE(shard.until([&] { return shard.metrics.broker_dropped_payload_total == 4; }));
  EXPECT_EQ(shard.publications.size(), 3U);
}

TEST(NatsBroker, AHostileNameReachesNoSubjectButItsOwn) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  ASSERT_TRUE(shard.until_up());
  NatsClient client(server.url());
  client.subscribe(">");
  const std::vector<std::pair<std::string, std::string>> legal{
      {"game:a b", "game.a=20b"},
      {"game:\r\nPUB x 1\r\n1\r\n", "game.=0D=0APUB=20x=201=0D=0A1=0D=0A"},
      {"game:*", "game.=2A"},
      {"game:>", "game.=3E"},
      {"game:a:b", "game.a=3Ab"},
      {"game:a=b", "game.a=3Db"},
      {"ga me:x", "ga=20me.x"},
      {"$SYS:x", "=24SYS.x"},
      {"*", "=2A"},
  };
  for (const auto& [channel, subject] : legal) {
    EXPECT_TRUE(shard.publish_accepted(channel, "1")) << channel;
  }
  const std::vector<std::string> illegal{
      "",      "a.b", "a.b:c",     "_INBOX:x",           "_x", "millrace:x", "game:a..b",
      "game:", ":x",  "game:\xff", std::string(256, 'a')};
  for (const std::string& channel : illegal) {
    EXPECT_FALSE(shard.publish_accepted(channel, "1")) << channel;
    EXPECT_TRUE(shard.add(channel)) << channel;
    shard.broker().remove_interest(channel);
  }
  std::vector<std::string> subjects;
  for (const SeenMessage& message : client.received()) subjects.push_back(message.subject);
  std::vector<std::string> wanted;
  for (const auto& [channel, subject] : legal) wanted.push_back(subject);
  EXPECT_EQ(subjects, wanted);
  EXPECT_EQ(shard.metrics.nats_subscriptions, 0U);
}

TEST(NatsBroker, PublishesUnderThePrefixAndHearsItselfOnce) {
  NatsServer server;
  NatsOptions options = options_for(server);
  options.subject_prefix = "app.v1";
  BrokerShard one(options);
  BrokerShard two(options);
  one.add_live("game:abc");
  two.add_live("game:abc");
  NatsClient client(server.url());
  client.subscribe(">");
  EXPECT_TRUE(one.publish_accepted("game:abc", "{\"move\":1}"));
  EXPECT_EQ(client.received(), (std::vector<SeenMessage>{{"app.v1.game.abc", "{\"move\":1}"}}));
  client.publish_now("game.abc", "2");  // without the prefix it is somebody else's
  one.turns_for(50);
  two.turns_for(50);
  const std::vector<SeenMessage> wanted{{"game:abc", "{\"move\":1}"}};
  EXPECT_EQ(one.publications, wanted);
  EXPECT_EQ(two.publications, wanted);
  EXPECT_EQ(one.metrics.broker_published_total, 1U);
  EXPECT_EQ(one.metrics.broker_publish_failures_total, 0U);
}

TEST(NatsBroker, TheLaneTakesItsLimitOfRequestsAndNotOneMore) {
  NatsServer server;
  NatsOptions options = options_for(server);
  options.lane_requests = 5;  // no power of two
  BrokerShard shard(options);
  ASSERT_TRUE(shard.until_up());
  // Answers are taken in turns only, so without one all of these are outstanding.
  for (int i = 0; i < 5; ++i) static_cast<void>(shard.publish("game:abc", "1"));
  EXPECT_TRUE(shard.settled.empty());
  const RequestToken refused = shard.publish("game:abc", "1");
  ASSERT_EQ(shard.settled,
            (std::vector<BrokerShard::Settled>{{refused, PublishOutcome::kUnavailable}}));
  EXPECT_EQ(shard.metrics.broker_dropped_full_total, 1U);
  EXPECT_EQ(shard.metrics.broker_publish_failures_total, 1U);
  // Interest waits for room instead.
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(shard.add("game:" + number(i)));
  ASSERT_TRUE(shard.until([&] { return shard.ready.size() == 50 && shard.settled.size() == 6; }));
  EXPECT_EQ(shard.metrics.broker_published_total, 5U);
  EXPECT_EQ(server.monitored("/connz", "subscriptions"), 50);
  EXPECT_TRUE(shard.publish_accepted("game:abc", "1"));
}

TEST(NatsBroker, TheLaneTakesItsLimitOfBytesAndNotOneMore) {
  NatsServer server;
  NatsOptions options = options_for(server);
  options.lane_bytes = 10;
  BrokerShard shard(options);
  ASSERT_TRUE(shard.until_up());
  EXPECT_FALSE(shard.publish_accepted("game:abc", "12345678901"));
  EXPECT_TRUE(shard.publish_accepted("game:abc", "123456789"));
  EXPECT_TRUE(shard.publish_accepted("game:abc", "1234567890"));
  static_cast<void>(shard.publish("game:abc", "123456789"));
  static_cast<void>(shard.publish("game:abc", "1"));
  shard.settled.clear();
  const RequestToken refused = shard.publish("game:abc", "1");
  EXPECT_EQ(shard.settled,
            (std::vector<BrokerShard::Settled>{{refused, PublishOutcome::kUnavailable}}));
}

TEST(NatsBroker, AFullInboxDropsAndCounts) {
  NatsServer server;
  struct Case {
    std::size_t messages;
    std::size_t bytes;
    std::size_t kept;
  };
  for (const Case& limits : {Case{3, 1'000, 3}, Case{1, 1'000, 1}, Case{100, 5, 5}}) {
    NatsOptions options = options_for(server);
    options.inbox_messages = limits.messages;
    options.inbox_bytes = limits.bytes;
    BrokerShard shard(options);
    shard.add_live("game:abc");
    NatsClient client(server.url());
    for (int i = 0; i < 8; ++i) client.publish("game.abc", number(i));
    client.flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    shard.turn();
    EXPECT_EQ(shard.publications.size(), limits.kept);
    EXPECT_EQ(shard.metrics.broker_dropped_full_total, 8 - limits.kept);
    client.publish_now("game.abc", "9");
    EXPECT_TRUE(shard.until([&] { return shard.publications.back().data == "9"; }))
        << "there is room again";
  }
}

TEST(NatsBroker, APayloadAtItsLimitPassesAndOneByteMoreDoesNot) {
  NatsServer server;
  NatsOptions options = options_for(server);
  options.max_payload = 8;
  BrokerShard shard(options);
  shard.add_live("game:abc");
  NatsClient client(server.url());
  client.publish("game.abc", "123456789");
  client.publish("game.abc", "12345678");
  client.publish_now("game.abc", "1234567");
  ASSERT_TRUE(shard.until([&] { return shard.publications.size() == 2; }));
  EXPECT_EQ(shard.metrics.broker_dropped_payload_total, 1U);
  EXPECT_TRUE(shard.publish_accepted("game:abc", "12345678"));
  EXPECT_FALSE(shard.publish_accepted("game:abc", "123456789"));
}

TEST(NatsBroker, ATurnHandlesABoundedNumberOfMessages) {
  NatsServer server;
  BrokerShard shard(options_for(server));
  shard.add_live("game:abc");
  NatsClient client(server.url());
  for (int i = 0; i < 5'000; ++i) client.publish("game.abc", number(i));
  client.flush();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_TRUE(shard.port().ready());
  shard.turn();
  EXPECT_EQ(shard.publications.size(), 4'096U);
  EXPECT_TRUE(shard.port().ready());
  shard.turn();
  EXPECT_EQ(shard.publications.size(), 5'000U);
  shard.turn();
  EXPECT_FALSE(shard.port().ready());
}

}  // namespace
}  // namespace millrace

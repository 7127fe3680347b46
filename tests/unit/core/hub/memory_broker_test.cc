#include "core/hub/memory_broker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/hub/hub.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {
namespace {

// A broker with a real hub above it; what the hub delivers is written down.
struct Node final : MessageHandler, DeliverySink {
  Node(MailboxNetwork& network, ShardId id, std::size_t shards)
      : mailbox(network, id, waker),
        hub(*this, metrics, {.channels = 1'000, .channels_per_subscriber = 1'000}),
        broker(mailbox, shards, hub, metrics, timers, random) {
    mailbox.set_handler(*this);
    hub.set_broker(broker);
  }
  void on_message(ShardId from, Message& message, Instant now) override {
    CHECK(broker.on_message(from, message, now));
  }
  void deliver(const Publication& publication, Bytes, std::span<const Subscriber> to) override {
    heard[std::string(publication.channel)].push_back(std::string(publication.data));
    for (const Subscriber& each : to) deliveries += each.joining ? 0 : 1;
  }
  void deliver_presence(Bytes, std::span<const PresenceChange>,
                        std::span<const Subscriber>) override {}
  void subscribed(SubscriberId who, Bytes, std::uint32_t, const SubscribeOutcome&) override {
    live.insert(who);
  }
  ClientInfo member(SubscriberId, Bytes) override { return {}; }
  void published(RequestToken token, PublishOutcome outcome, const StreamPosition&) override {
    CHECK(outcomes.emplace(token, outcome).second);  // exactly once
  }
  void history(RequestToken, const HistoryPage&) override {}
  void presence(RequestToken, const PresencePage&) override {}
  void lost(SubscriberId, Bytes, bool) override {}
  Hub::Subscribe subscribe(SubscriberId who, Bytes channel) {
    return hub.subscribe(who, channel, {}, Instant{});
  }
  bool unsubscribe(SubscriberId who, Bytes channel) {
    return hub.unsubscribe(who, channel, Instant{});
  }
  void drop(SubscriberId who) { hub.drop(who, Instant{}); }

  EventRing ring;
  Waker waker{ring};
  Mailbox mailbox;
  ShardMetrics metrics;
  TimerWheel timers{Instant{}};
  Random random{7};
  Hub hub;
  MemoryBroker broker;
  std::map<std::string, std::vector<std::string>> heard;
  std::set<SubscriberId> live;
  std::map<RequestToken, PublishOutcome> outcomes;
  std::size_t deliveries = 0;
};

class MemoryBrokerTest : public testing::Test {
 protected:
  explicit MemoryBrokerTest(std::size_t shards = 2) : network_(shards) {
    for (std::size_t i = 0; i < shards; ++i) {
      nodes_.push_back(
          std::make_unique<Node>(network_, ShardId{static_cast<std::uint16_t>(i)}, shards));
    }
    // Names hash by a key of the process, so a channel's owner is found by trying.
    for (int i = 0; near_.empty() || far_.empty(); ++i) {
      const std::string name = "probe" + std::to_string(i);
      const bool live = node(0).subscribe(0, name) == Hub::Subscribe::kLive;
      if (live) near_ = name;
      if (!live) far_ = name;
      node(0).drop(0);
    }
    settle();
    for (auto& each : nodes_) each->metrics = ShardMetrics{};
  }
  ~MemoryBrokerTest() override {
    for (auto& each : nodes_) {
      for (SubscriberId who = 0; who < 32; ++who) each->drop(who);
    }
    settle();
    for (auto& each : nodes_) EXPECT_EQ(each->broker.owned(), 0U);
  }

  Node& node(std::size_t i) { return *nodes_[i]; }
  void settle() {
    for (int i = 0; i < 40; ++i) {
      for (auto& each : nodes_) each->mailbox.drain(Instant{});
    }
  }
  void publish(std::size_t from, const std::string& channel, const std::string& data,
               RequestToken token) {
    node(from).hub.publish({.channel = channel, .data = data}, {}, token, Instant{});
  }
  // Fills the lane between two shards with what harms nobody.
  void fill(std::size_t from, std::size_t to) {
    Message message = InterestAck{"nobody", 0};
    while (node(from).mailbox.try_send(ShardId{static_cast<std::uint16_t>(to)}, message)) {
      message = InterestAck{"nobody", 0};
    }
  }

  MailboxNetwork network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::string near_;  // owned by the first shard
  std::string far_;   // owned by another one
};

class MemoryBrokerOnThree : public MemoryBrokerTest {
 protected:
  MemoryBrokerOnThree() : MemoryBrokerTest(3) {}
};

TEST_F(MemoryBrokerTest, TheOwnersOwnChannelsAreLiveAtOnce) {
  EXPECT_EQ(node(0).subscribe(1, near_), Hub::Subscribe::kLive);
  publish(0, near_, "x", 7);
  EXPECT_EQ(node(0).heard[near_], std::vector<std::string>{"x"});
  EXPECT_EQ(node(0).outcomes.at(7), PublishOutcome::kAccepted);
}

TEST_F(MemoryBrokerTest, AnothersChannelIsLiveOnceItsOwnerKnows) {
  EXPECT_EQ(node(0).subscribe(1, far_), Hub::Subscribe::kPending);
  publish(1, far_, "too early", 1);
  node(1).mailbox.drain(Instant{});
  EXPECT_TRUE(node(0).live.empty());
  publish(1, far_, "in time", 2);
  node(0).mailbox.drain(Instant{});
  EXPECT_EQ(node(0).live.size(), 1U);
  EXPECT_EQ(node(0).heard[far_], std::vector<std::string>{"in time"});
}

TEST_F(MemoryBrokerTest, APublicationIsAcceptedWhenTheOwnerHasIt) {
  publish(0, far_, "x", 9);
  EXPECT_TRUE(node(0).outcomes.empty());
  node(1).mailbox.drain(Instant{});
  EXPECT_TRUE(node(0).outcomes.empty());
  node(0).mailbox.drain(Instant{});
  EXPECT_EQ(node(0).outcomes.at(9), PublishOutcome::kAccepted);
  EXPECT_EQ(node(1).metrics.broker_published_total, 1U);
}

TEST_F(MemoryBrokerTest, AFullLaneToTheOwnerRefusesAtOnce) {
  fill(0, 1);
  publish(0, far_, "x", 1);
  EXPECT_EQ(node(0).outcomes.at(1), PublishOutcome::kUnavailable);
  EXPECT_EQ(node(0).metrics.mailbox_refused_total, 1U);
  EXPECT_EQ(node(0).metrics.broker_publish_failures_total, 1U);
  settle();
  publish(0, far_, "y", 2);
  settle();
  EXPECT_EQ(node(0).outcomes.at(2), PublishOutcome::kAccepted);
}

TEST_F(MemoryBrokerTest, AFullLaneToASubscriberDropsAndCounts) {
  EXPECT_EQ(node(1).subscribe(1, near_), Hub::Subscribe::kPending);
  settle();
  fill(0, 1);
  publish(0, near_, "lost", 1);
  EXPECT_EQ(node(0).outcomes.at(1), PublishOutcome::kAccepted);
  EXPECT_EQ(node(0).metrics.broker_dropped_full_total, 1U);
  settle();
  publish(0, near_, "heard", 2);
  settle();
  EXPECT_EQ(node(1).heard[near_], std::vector<std::string>{"heard"});
}

TEST_F(MemoryBrokerTest, InterestPassesAFullLaneLater) {
  fill(0, 1);
  EXPECT_EQ(node(0).subscribe(1, far_), Hub::Subscribe::kPending);
  EXPECT_EQ(node(0).mailbox.spilled(), 1U);
  settle();
  EXPECT_EQ(node(0).live.size(), 1U);
  EXPECT_EQ(node(1).broker.owned(), 1U);
}

TEST_F(MemoryBrokerTest, AFullLaneBackDelaysAcknowledgementsAndLosesNone) {
  EXPECT_EQ(node(0).subscribe(1, far_), Hub::Subscribe::kPending);
  for (RequestToken token = 0; token < 100; ++token) publish(0, far_, "x", token);
  fill(1, 0);
  settle();
  EXPECT_EQ(node(0).outcomes.size(), 100U);
  EXPECT_EQ(node(0).live.size(), 1U);
}

TEST_F(MemoryBrokerTest, LeavingAndComingBackBeforeTheOwnerTurns) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(node(0).subscribe(1, far_), Hub::Subscribe::kPending);
    EXPECT_TRUE(node(0).unsubscribe(1, far_));
  }
  EXPECT_EQ(node(0).subscribe(2, far_), Hub::Subscribe::kPending);
  node(1).mailbox.drain(Instant{});
  EXPECT_EQ(node(1).broker.owned(), 1U);
  node(0).mailbox.drain(Instant{});
  EXPECT_EQ(node(0).live, std::set<SubscriberId>{2});
  publish(1, far_, "x", 1);
  settle();
  EXPECT_EQ(node(0).heard[far_].size(), 1U);
}

TEST_F(MemoryBrokerTest, ADeliveryToWhoHasJustLeftIsDropped) {
  EXPECT_EQ(node(0).subscribe(1, far_), Hub::Subscribe::kPending);
  settle();
  publish(1, far_, "x", 1);
  EXPECT_TRUE(node(0).unsubscribe(1, far_));
  settle();
  EXPECT_TRUE(node(0).heard.empty());
}

TEST_F(MemoryBrokerTest, LeavesOthersMessagesAlone) {
  Message request = SnapshotRequest{1};
  EXPECT_FALSE(node(0).broker.on_message(ShardId{1}, request, Instant{}));
}

TEST_F(MemoryBrokerOnThree, EveryShardHearsOneOrder) {
  std::mt19937 random(23);
  for (const std::string& channel : {near_, far_}) {
    for (std::size_t i = 0; i < 3; ++i) static_cast<void>(node(i).subscribe(1, channel));
  }
  settle();
  RequestToken token = 0;
  for (int step = 0; step < 3'000; ++step) {
    const std::size_t who = random() % 3;
    if (random() % 2 == 0) {
      ++token;
      publish(who, random() % 2 == 0 ? near_ : far_, std::to_string(token), token);
    } else {
      node(who).mailbox.drain(Instant{});
    }
  }
  settle();
  for (const std::string& channel : {near_, far_}) {
    EXPECT_GT(node(0).heard[channel].size(), 500U);
    EXPECT_EQ(node(0).heard[channel], node(1).heard[channel]);
    EXPECT_EQ(node(0).heard[channel], node(2).heard[channel]);
  }
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < 3; ++i) accepted += node(i).outcomes.size();
  EXPECT_EQ(accepted, token);
}

// Whatever came before, once all is quiet each subscriber gets each publication once.
TEST_F(MemoryBrokerOnThree, AfterAnyChurnEverySubscriberIsReached) {
  std::mt19937 random(29);
  std::map<std::string, std::set<std::pair<std::size_t, SubscriberId>>> model;
  const auto channel_of = [&] { return "c" + std::to_string(random() % 8); };
  for (int round = 0; round < 30; ++round) {
    for (int step = 0; step < 200; ++step) {
      const std::size_t i = random() % 3;
      const auto who = static_cast<SubscriberId>(random() % 4);
      const std::string channel = channel_of();
      switch (random() % 4) {
        case 0:
          static_cast<void>(node(i).subscribe(who, channel));
          model[channel].insert({i, who});
          break;
        case 1:
          node(i).unsubscribe(who, channel);
          model[channel].erase({i, who});
          break;
        case 2:
          publish(i, channel, "noise", static_cast<RequestToken>(round * 1'000 + step));
          break;
        default:
          node(i).mailbox.drain(Instant{});
      }
    }
    settle();
    std::size_t owned = 0;
    for (auto& each : nodes_) {
      each->hub.validate();
      owned += each->broker.owned();
    }
    EXPECT_EQ(owned,
              static_cast<std::size_t>(std::count_if(
                  model.begin(), model.end(), [](auto& row) { return !row.second.empty(); })));
    for (const auto& [channel, subscribers] : model) {
      for (auto& each : nodes_) each->deliveries = 0;
      publish(random() % 3, channel, "check",
              static_cast<RequestToken>(1'000'000 + round * 100) + channel.back());
      settle();
      std::size_t deliveries = 0;
      for (auto& each : nodes_) deliveries += each->deliveries;
      ASSERT_EQ(deliveries, subscribers.size());
    }
  }
}

}  // namespace
}  // namespace millrace

// The broker over a link that a test plays: what it tells the hub while the link is away.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/nats/nats_broker.h"
#include "tests/support/mem_ring.h"
#include "tests/support/played_link.h"

namespace millrace {
namespace {

class Heard final : public BrokerEvents {
 public:
  void on_position(Bytes, const StreamPosition&) override {}
  void on_publication(const Publication&) override {}
  void on_interest_ready(Bytes channel, InterestToken) override { ready.emplace_back(channel); }
  void on_presence_changes(Bytes, std::span<const PresenceChange>) override {}
  void on_history(RequestToken, const HistoryPage&) override {}
  void on_presence(RequestToken, const PresencePage&) override {}
  void on_published(RequestToken, PublishOutcome, const StreamPosition& /*position*/) override {}

  std::vector<std::string> ready;
};

class NatsBrokerAway : public ::testing::Test {
 protected:
  NatsBrokerAway() {
    NatsOptions options;
    options.lane_requests = 1;
    auto link = std::make_unique<PlayedLink>(waker_);
    link_ = link.get();
    port_ = std::make_unique<NatsPort>(options, std::move(link), timers_, random_, metrics_);
    broker_ = std::make_unique<NatsBroker>(*port_, heard_, metrics_);
  }

  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  ShardMetrics metrics_;
  Heard heard_;
  PlayedLink* link_ = nullptr;
  TimerWheel timers_{Instant{}};
  Random random_{1};
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<NatsBroker> broker_;
};

TEST_F(NatsBrokerAway, WhatTheLinkWasAskedIsSubscribedAtOnce) {
  EXPECT_TRUE(broker_->add_interest("a", 1));
  EXPECT_EQ(link_->requests.size(), 1U);
}

// A client that was told so could miss what is published once the link is up.
TEST_F(NatsBrokerAway, WhatFoundTheLaneFullWaits) {
  EXPECT_TRUE(broker_->add_interest("a", 1));
  EXPECT_FALSE(broker_->add_interest("b", 2));
  ASSERT_EQ(link_->requests.size(), 1U);

  link_->come_up();
  port_->drain(Instant{1});
  EXPECT_TRUE(heard_.ready.empty());
  link_->answer_first();
  port_->drain(Instant{2});  // room in the lane: it is asked now
  ASSERT_EQ(link_->requests.size(), 1U);
  EXPECT_EQ(link_->requests.front().post.subject, "b");
  EXPECT_TRUE(heard_.ready.empty());
  link_->answer_first();
  port_->drain(Instant{3});
  EXPECT_EQ(heard_.ready, std::vector<std::string>{"b"});
}

TEST_F(NatsBrokerAway, WhoLeavesBeforeItWasAskedIsForgotten) {
  EXPECT_TRUE(broker_->add_interest("a", 1));
  EXPECT_FALSE(broker_->add_interest("b", 2));
  broker_->remove_interest("b");
  link_->answer_first();
  port_->drain(Instant{1});
  EXPECT_TRUE(link_->requests.empty());
  EXPECT_TRUE(heard_.ready.empty());
}

}  // namespace
}  // namespace millrace

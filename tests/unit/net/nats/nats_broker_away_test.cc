// The broker over a link that a test plays: what it tells the hub while the link is away.
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "net/nats/nats_broker.h"
#include "tests/support/mem_ring.h"

namespace millrace {
namespace {

class PlayedLink final : public BrokerLink {
 public:
  explicit PlayedLink(Waker& waker) : inbox_(16, 4'096, waker) {}

  bool send(NatsRequest& request) override {
    requests.push_back(std::move(request));
    return true;
  }
  bool take_answer(NatsAnswer& answer) override {
    if (answers.empty()) return false;
    answer = answers.front();
    answers.pop_front();
    return true;
  }
  bool take_note(std::string&) override { return false; }
  NatsInbox& inbox() override { return inbox_; }
  bool waiting() const override { return !answers.empty(); }
  bool up() const override { return is_up; }
  std::uint64_t lives() const override { return is_up ? 1 : 0; }
  NatsLinkCause cause() const override { return NatsLinkCause::kLost; }
  std::uint64_t dropped() const override { return 0; }

  void answer_first() {
    answers.push_back({.kind = requests.front().kind,
                       .subscription = requests.front().subscription,
                       .token = requests.front().token,
                       .bytes = requests.front().data.size(),
                       .accepted = true});
    requests.pop_front();
  }

  std::deque<NatsRequest> requests;
  std::deque<NatsAnswer> answers;
  bool is_up = false;

 private:
  NatsInbox inbox_;
};

class Heard final : public BrokerEvents {
 public:
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
    broker_ = NatsBroker::over(std::move(link), options, heard_, metrics_);
  }

  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  ShardMetrics metrics_;
  Heard heard_;
  PlayedLink* link_ = nullptr;
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

  link_->is_up = true;
  broker_->drain(Instant{1});
  EXPECT_TRUE(heard_.ready.empty());
  link_->answer_first();
  broker_->drain(Instant{2});  // room in the lane: it is asked now
  ASSERT_EQ(link_->requests.size(), 1U);
  EXPECT_EQ(link_->requests.front().subject, "b");
  EXPECT_TRUE(heard_.ready.empty());
  link_->answer_first();
  broker_->drain(Instant{3});
  EXPECT_EQ(heard_.ready, std::vector<std::string>{"b"});
}

TEST_F(NatsBrokerAway, WhoLeavesBeforeItWasAskedIsForgotten) {
  EXPECT_TRUE(broker_->add_interest("a", 1));
  EXPECT_FALSE(broker_->add_interest("b", 2));
  broker_->remove_interest("b");
  link_->answer_first();
  broker_->drain(Instant{1});
  EXPECT_TRUE(link_->requests.empty());
  EXPECT_TRUE(heard_.ready.empty());
}

}  // namespace
}  // namespace millrace

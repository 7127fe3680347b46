// Channels come and go by the hundred thousand: what the NATS side holds of them it gives back.
#include <gtest/gtest.h>

#include <string>

#include "net/nats/nats_broker.h"
#include "net/nats/nats_subscriptions.h"
#include "tests/support/allocated_bytes.h"
#include "tests/support/mem_ring.h"
#include "tests/support/played_link.h"

namespace millrace {
namespace {

constexpr int kChannels = 100'000;

class Deaf final : public BrokerEvents {
 public:
  void on_position(Bytes, const StreamPosition&) override {}
  void on_publication(const Publication&) override {}
  void on_interest_ready(Bytes, InterestToken) override {}
  void on_presence_changes(Bytes, std::span<const PresenceChange>) override {}
  void on_history(RequestToken, const HistoryPage&) override {}
  void on_presence(RequestToken, const PresencePage&) override {}
  void on_published(RequestToken, PublishOutcome, const StreamPosition&) override {}
};

class NatsBrokerMemory : public ::testing::Test {
 protected:
  NatsBrokerMemory() {
    auto link = std::make_unique<PlayedLink>(waker_);
    link_ = link.get();
    port_ = std::make_unique<NatsPort>(options_, std::move(link), timers_, random_, metrics_);
    broker_ = std::make_unique<NatsBroker>(*port_, deaf_, metrics_);
    link_->come_up();
  }

  void turn() {
    link_->answer_all();
    std::vector<NatsRequest>().swap(link_->seen);
    now_ = now_ + milliseconds(1);
    port_->drain(now_);
  }
  void settle() {
    turn();
    while (!link_->requests.empty() || port_->ready()) turn();
    link_->requests.shrink_to_fit();
    link_->answers.shrink_to_fit();
  }
  static std::string name(int i) { return "game:a-name-that-is-on-the-heap-" + std::to_string(i); }
  // What all of them cost, and what stays of that when they are gone.
  std::pair<std::int64_t, std::int64_t> come_and_go() {
    const std::int64_t before = allocated_bytes();
    for (int i = 0; i < kChannels; ++i) static_cast<void>(broker_->add_interest(name(i), 1));
    settle();
    const std::int64_t full = allocated_bytes() - before;
    for (int i = 0; i < kChannels; ++i) broker_->remove_interest(name(i));
    settle();
    return {full, allocated_bytes() - before};
  }

  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  NatsOptions options_;
  ShardMetrics metrics_;
  Deaf deaf_;
  PlayedLink* link_ = nullptr;
  TimerWheel timers_{Instant{}};
  Random random_{1};
  Instant now_{};
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<NatsBroker> broker_;
};

TEST_F(NatsBrokerMemory, OfChannelsThatAreGoneIsGivenBack) {
  const auto [full, left] = come_and_go();
  EXPECT_GT(full, std::int64_t{kChannels} * 100);
  EXPECT_LT(left, full / 100) << full;
  EXPECT_EQ(metrics_.nats_subscriptions, 0U);
  const auto [again, left_again] = come_and_go();
  EXPECT_LT(again, full + full / 20) << "and once more it costs no more";
  EXPECT_LT(left_again, full / 100);
}

// All that found the lane full: it wanted to begin and ends, again and again.
TEST_F(NatsBrokerMemory, ChurnBeforeAFullLaneKeepsNothing) {
  const std::int64_t before = allocated_bytes();
  for (int i = 0; i < kChannels; ++i) {
    static_cast<void>(broker_->add_interest(name(i), 1));
    broker_->remove_interest(name(i));
  }
  settle();
  EXPECT_EQ(link_->requests.size(), 0U);
  EXPECT_LT(allocated_bytes() - before, 1'000'000);
}

TEST(NatsSubscriptionsMemory, OfSubscriptionsThatAreGoneIsGivenBack) {
  RecvBuffers buffers(1, 16);
  MemRing ring(buffers);
  Waker waker(ring);
  NatsInbox inbox(16, 1'024, waker);
  NatsSubscriptions subscriptions(inbox);
  const std::int64_t before = allocated_bytes();
  for (std::uint32_t i = 0; i < kChannels; ++i) {
    ASSERT_TRUE(subscriptions.add({i, i}, "game.a-subject-that-is-on-the-heap", nullptr));
  }
  const std::int64_t full = allocated_bytes() - before;
  EXPECT_EQ(subscriptions.size(), std::size_t{kChannels});
  for (std::uint32_t i = 0; i < kChannels; ++i) subscriptions.remove(i, false);
  EXPECT_EQ(subscriptions.size(), 0U);
  EXPECT_LT(allocated_bytes() - before, full / 1'000);
}

}  // namespace
}  // namespace millrace

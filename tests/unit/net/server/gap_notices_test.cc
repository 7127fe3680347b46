#include "net/server/gap_notices.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/unit/core/hub/hub_world.h"

namespace millrace {
namespace {

class GapNoticesTest : public ::testing::Test {
 protected:
  GapNoticesTest() {
    settings_.namespaces.by_name["told"].notify_gaps = true;
    settings_.namespaces.by_name["quiet"];
  }
  ~GapNoticesTest() override {
    for (const SubscriberId who : subscribers_) world_.hub.drop(who, now_);
  }

  void subscribe(SubscriberId who, const std::string& channel) {
    subscribers_.insert(who);
    ASSERT_EQ(world_.hub.subscribe(who, channel, {}, now_), Hub::Subscribe::kLive);
  }
  // How many were told after a step.
  std::size_t step() {
    now_ = now_ + GapNotices::kStep + TimerWheel::kTick;
    timers_.advance(now_);
    return world_.sink.take_losses().size();
  }

  HubWorld world_{{}};
  std::set<SubscriberId> subscribers_;
  SessionSettings settings_;
  ShardMetrics metrics_;
  Instant now_{1'000'000'000};
  TimerWheel timers_{now_};
  GapNotices gaps_{world_.hub, timers_, settings_, metrics_};
};

TEST_F(GapNoticesTest, TellsWhereTheNamespaceWantsIt) {
  subscribe(1, "told:a");
  subscribe(2, "quiet:a");
  subscribe(3, "told:b");
  subscribe(4, "unknown:b");
  gaps_.on_nats_down(now_);
  EXPECT_EQ(step(), 0U) << "not before NATS is back";
  gaps_.on_nats_up(now_);
  EXPECT_TRUE(gaps_.telling());
  EXPECT_EQ(step(), 2U);
  EXPECT_FALSE(gaps_.telling());
  EXPECT_EQ(metrics_.gap_notices_total, 2U);
  EXPECT_TRUE(world_.hub.subscribed(2, "quiet:a"));
  EXPECT_FALSE(world_.hub.subscribed(1, "told:a"));
}

TEST_F(GapNoticesTest, TellsAFewAtATime) {
  constexpr std::size_t kMany = 2 * GapNotices::kNoticesAStep + 1;
  for (SubscriberId who = 0; who < kMany; ++who) subscribe(who, "told:a");
  subscribe(kMany, "told:b");
  gaps_.on_nats_up(now_);
  EXPECT_EQ(step(), GapNotices::kNoticesAStep);
  subscribe(kMany - 1, "told:a");  // who was told first is back, and is not told again
  EXPECT_EQ(step(), GapNotices::kNoticesAStep);
  EXPECT_EQ(step(), 2U);
  EXPECT_FALSE(gaps_.telling());
}

TEST_F(GapNoticesTest, ASecondGapBeginsAnew) {
  constexpr std::size_t kMany = GapNotices::kNoticesAStep + 1;
  for (SubscriberId who = 0; who < kMany; ++who) subscribe(who, "told:a");
  gaps_.on_nats_up(now_);
  EXPECT_EQ(step(), GapNotices::kNoticesAStep);
  subscribe(kMany, "told:b");
  gaps_.on_nats_up(now_);
  EXPECT_EQ(step(), 2U);
  EXPECT_FALSE(gaps_.telling());
}

TEST_F(GapNoticesTest, AWalkOverManyChannelsGivesOthersTheirTurn) {
  for (SubscriberId i = 0; i < GapNotices::kSlotsAStep; ++i) {
    subscribe(i, "quiet:" + std::to_string(i));
  }
  subscribe(0, "told:a");
  gaps_.on_nats_up(now_);
  EXPECT_EQ(step(), 0U);
  EXPECT_TRUE(gaps_.telling());
  EXPECT_EQ(step(), 1U);
}

}  // namespace
}  // namespace millrace

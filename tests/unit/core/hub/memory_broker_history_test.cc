#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core/hub/memory_broker_node.h"

namespace millrace {
namespace {

constexpr StreamOptions kKept{.size = 10, .age = seconds(60), .meta_age = seconds(3'600)};
constexpr ShardId kA{0};
constexpr ShardId kB{1};
using Kind = BrokerNode::Event::Kind;

struct MemoryBrokerHistory : testing::Test, BrokerPair {
  void publish(BrokerNode& from, const std::string& channel, const std::string& data,
               RequestToken token, const StreamOptions& options = kKept) {
    from.broker.publish({.channel = channel, .data = data, .info = {.user = "u"}}, options, token,
                        Instant{});
  }
  void read(BrokerNode& from, const std::string& channel, RequestToken token,
            std::uint64_t since = 0, std::uint32_t limit = 300) {
    from.broker.read_history(channel, {.since = StreamPosition{since, {}}, .limit = limit}, kKept,
                             token, Instant{});
  }
};

TEST_F(MemoryBrokerHistory, APublicationGetsItsPositionEverywhere) {
  static_cast<void>(a.broker.add_interest(far, 1));
  settle();
  publish(a, far, "x", 1);
  settle();
  publish(b, far, "y", 2);
  settle();
  EXPECT_EQ(a.positions[1].offset, 1U);
  EXPECT_EQ(b.positions[2].offset, 2U);
  EXPECT_EQ(a.positions[1].epoch, b.positions[2].epoch);
  EXPECT_EQ(a.heard_users, (std::vector<std::string>{"u", "u"}));
  EXPECT_EQ(a.events[0].offset + a.events[1].offset, 3U);
  EXPECT_EQ(b.metrics.history_publications, 2U);
  EXPECT_EQ(a.metrics.history_publications, 0U);
}

TEST_F(MemoryBrokerHistory, WhatIsNotKeptHasNoPosition) {
  publish(b, far, "x", 1, {});
  EXPECT_EQ(b.positions[1], StreamPosition{});
  EXPECT_EQ(b.broker.streams().streams(), 0U);
}

// A namespace that keeps nothing for a while, by a reload: nobody is told that nothing was missed.
TEST_F(MemoryBrokerHistory, WhatIsNotKeptEndsTheEpoch) {
  publish(b, far, "x", 1);
  publish(b, near, "other", 2);
  publish(b, far, "y", 3, {});
  publish(b, far, "z", 4);
  EXPECT_EQ(b.positions[4].offset, 1U);
  EXPECT_NE(b.positions[4].epoch, b.positions[1].epoch);
  EXPECT_EQ(b.metrics.history_publications, 1U);
  settle();
  publish(b, near, "other", 5);
  settle();
  EXPECT_EQ(b.positions[5].offset, 2U) << "another channel's goes on";
}

TEST_F(MemoryBrokerHistory, IsReadFromHereAndFromAfar) {
  for (RequestToken token = 1; token <= 3; ++token) publish(b, far, std::to_string(token), token);
  read(b, far, 10, 1);
  ASSERT_TRUE(b.pages.contains(10)) << "the owner answers at once";
  read(a, far, 11, 1);
  settle();
  for (const auto& page : {b.pages[10], a.pages[11]}) {
    EXPECT_EQ(page.outcome, HistoryOutcome::kOk);
    EXPECT_TRUE(page.complete);
    EXPECT_EQ(page.data, (std::vector<std::string>{"2", "3"}));
    EXPECT_EQ(page.users, (std::vector<std::string>{"u", "u"}));
    EXPECT_EQ(page.top, b.positions[3]);
  }
}

TEST_F(MemoryBrokerHistory, IsRemovedFromAfar) {
  publish(b, far, "x", 1);
  a.broker.remove_history(far, 2, Instant{});
  settle();
  EXPECT_EQ(a.pages[2].top, b.positions[1]);
  EXPECT_TRUE(a.pages[2].data.empty());
  EXPECT_EQ(b.metrics.history_publications, 0U);
}

TEST_F(MemoryBrokerHistory, AFullLaneOnTheWayThereIsUnavailableAtOnce) {
  fill(a, kB);
  read(a, far, 1);
  a.broker.remove_history(far, 2, Instant{});
  EXPECT_EQ(a.pages[1].outcome, HistoryOutcome::kUnavailable);
  EXPECT_EQ(a.pages[2].outcome, HistoryOutcome::kUnavailable);
  EXPECT_EQ(a.metrics.history_refused_total, 2U);
  settle();
  EXPECT_EQ(a.pages.size(), 2U);
}

TEST_F(MemoryBrokerHistory, AFullLaneBackDelaysTheAnswer) {
  publish(b, far, "x", 1);
  read(a, far, 1);
  fill(b, kA);
  settle();
  EXPECT_TRUE(a.pages[1].complete);
}

// The answer waits in the spill; what is published behind it must not come before it.
TEST_F(MemoryBrokerHistory, NoPublicationOvertakesAnAnswerThatWaits) {
  static_cast<void>(a.broker.add_interest(far, 1));
  settle();
  read(a, far, 1);
  fill(b, kA);
  b.mailbox.drain(Instant{});
  EXPECT_EQ(b.mailbox.spilled(), 1U);
  a.mailbox.drain(Instant{});  // room again, but only up to a batch
  publish(b, far, "behind", 2);
  settle();
  ASSERT_FALSE(a.events.empty());
  EXPECT_EQ(a.events[0], (BrokerNode::Event{Kind::kHistory, 0}));
  for (std::size_t i = 1; i < a.events.size(); ++i) EXPECT_EQ(a.events[i].offset, i);
}

// At all times: an answer's top is that of the last publication that came, unless some were
// dropped, which counters say; then the top is ahead.
TEST(MemoryBrokerOrder, AnswersAndPublicationsStandInOneOrder) {
  std::mt19937 random(31);
  for (const std::size_t lane : {2U, 5U, 64U}) {
    BrokerPair pair(lane);
    static_cast<void>(pair.a.broker.add_interest(pair.far, 1));
    pair.settle();
    RequestToken token = 0;
    for (int step = 0; step < 20'000; ++step) {
      BrokerNode& node = random() % 2 == 0 ? pair.a : pair.b;
      ++token;
      switch (random() % 4) {
        case 0:
          node.broker.publish({.channel = pair.far, .data = "x"}, kKept, token, Instant{});
          break;
        case 1:
          pair.a.broker.read_history(pair.far, {.limit = 3}, kKept, token, Instant{});
          break;
        default:
          node.mailbox.drain(Instant{});
      }
    }
    pair.settle();
    std::uint64_t last = 0;
    std::uint64_t holes = 0;
    for (const BrokerNode::Event& event : pair.a.events) {
      if (event.kind == Kind::kHistory) {
        if (event.offset == 0) continue;  // refused
        ASSERT_GE(event.offset, last) << "an answer that was overtaken";
        holes += event.offset - last;
      } else {
        ASSERT_GT(event.offset, last) << "a publication that the answer before it knew of";
        holes += event.offset - last - 1;
      }
      last = event.offset;
    }
    EXPECT_LE(holes, pair.b.metrics.broker_dropped_full_total);
    EXPECT_GT(last, 1'000U);
    if (lane == 2) {
      EXPECT_GT(holes, 0U);
    }
  }
}

TEST_F(MemoryBrokerHistory, TooManyBytesOnTheWayAreRefusedAndTakenBytesMakeRoom) {
  publish(b, far, std::string(1U << 20, 'x'), 1);
  constexpr RequestToken kAll = 40;
  for (RequestToken token = 1; token <= kAll; ++token) read(a, far, token);
  a.broker.read_history(far, {}, kKept, 99, Instant{});
  settle();
  EXPECT_EQ(a.pages.size(), kAll + 1);
  EXPECT_EQ(a.pages[99].outcome, HistoryOutcome::kOk) << "a position costs nothing";
  RequestToken answered = 0;
  for (RequestToken token = 1; token <= kAll; ++token) answered += a.pages[token].complete ? 1 : 0;
  EXPECT_EQ(answered, MemoryBroker::kAnswerBytes >> 20);
  EXPECT_EQ(b.metrics.history_refused_total, kAll - answered);
  read(a, far, 100);
  settle();
  EXPECT_TRUE(a.pages[100].complete);
}

TEST_F(MemoryBrokerHistory, TheSweeperComesByItself) {
  publish(b, far, "x", 1);
  EXPECT_EQ(b.metrics.history_publications, 1U);
  b.timers.advance(Instant{} + seconds(59));
  EXPECT_EQ(b.metrics.history_publications, 1U);
  b.timers.advance(Instant{} + seconds(60) + milliseconds(200));
  EXPECT_EQ(b.metrics.history_publications, 0U);
  EXPECT_EQ(b.metrics.history_streams, 1U);
  b.timers.advance(Instant{} + seconds(3'601));
  EXPECT_EQ(b.metrics.history_streams, 0U);
  EXPECT_TRUE(b.timers.empty()) << "nothing to do, nothing to wake for";
}

}  // namespace
}  // namespace millrace

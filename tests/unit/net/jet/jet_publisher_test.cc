#include "net/jet/jet_publisher.h"

#include "tests/support/jet_world.h"

namespace millrace {
namespace {

class Publishing : public testing::Test {
 protected:
  void publish(const std::string& channel, const std::string& data, RequestToken token) {
    world_.broker->publish({.channel = channel, .data = data}, {}, token, world_.now);
  }
  std::vector<std::string> stored(const std::string& subject = "a.x") {
    std::vector<std::string> found;
    for (const std::uint64_t sequence : world_.stream().of(subject)) {
      found.push_back(world_.stream().messages.at(sequence).data);
    }
    return found;
  }
  JetWorld world_;
};
using Texts = std::vector<std::string>;

TEST_F(Publishing, IsAcknowledgedWithItsPlace) {
  publish("a:x", "1", 7);
  EXPECT_TRUE(world_.hub.answers.empty());
  world_.turn();
  EXPECT_EQ(world_.hub.answer(), "7: stored 1");
  EXPECT_EQ(world_.metrics.broker_published_total, 1U);
}

TEST_F(Publishing, CarriesWhoPublished) {
  world_.listen("a:x");
  world_.hub.take();
  world_.broker->publish({.channel = "a:x", .data = "1", .info = {.user = "ann"}}, {}, 1,
                         world_.now);
  world_.turn();
  EXPECT_EQ(world_.hub.take(), (Texts{"a:x 1@1 by ann"}));
}

TEST_F(Publishing, IsMadeAgainWhileNobodyLeads) {
  world_.link->model.elects = true;
  publish("a:x", "1", 1);
  world_.turn();
  world_.pass(seconds(5));
  EXPECT_EQ(world_.hub.answer(), "");
  world_.link->model.elects = false;
  world_.pass(seconds(2));
  EXPECT_EQ(world_.hub.answer(), "1: stored 1");
  EXPECT_GT(world_.metrics.stream_publish_retries_total, 0U);
  EXPECT_EQ(stored(), (Texts{"1"}));
}

TEST_F(Publishing, IsStoredOnceThoughItsAcknowledgementWasLost) {
  world_.link->model.acks = false;
  publish("a:x", "1", 1);
  world_.turn();
  world_.pass(seconds(1));
  world_.link->model.acks = true;
  world_.pass(seconds(4));
  EXPECT_EQ(world_.hub.answer(), "1: stored 1");
  EXPECT_EQ(world_.metrics.stream_duplicates_total, 1U);
  EXPECT_EQ(stored(), (Texts{"1"}));
}

TEST_F(Publishing, FailsAfterAWhile) {
  world_.link->model.elects = true;
  publish("a:x", "1", 1);
  world_.turn();
  world_.pass(JetPublisher::kPatience + seconds(1));
  EXPECT_EQ(world_.hub.answer(), "1: failed");
  EXPECT_EQ(world_.metrics.broker_publish_failures_total, 1U);
}

TEST_F(Publishing, WhatIsMadeAgainIsNotOvertakenInItsChannel) {
  world_.link->model.elects = true;
  publish("a:x", "1", 1);
  publish("a:x", "2", 2);
  world_.turn();
  world_.link->model.elects = false;
  publish("a:x", "3", 3);
  publish("a:y", "4", 4);
  world_.turn();
  EXPECT_EQ(world_.hub.answer(), "4: stored 1") << "other channels don't wait";
  world_.pass(seconds(2));
  EXPECT_EQ(stored(), (Texts{"1", "2", "3"}));
}

TEST_F(Publishing, WhatWaitsForAnotherFailsInItsOwnTime) {
  world_.link->model.elects = true;
  for (RequestToken token = 1; token <= 5; ++token) publish("a:x", "1", token);
  world_.turn();
  world_.pass(seconds(5));
  publish("a:x", "1", 6);
  world_.pass(JetPublisher::kPatience - seconds(4));
  EXPECT_EQ(world_.hub.answers.size(), 5U);
  world_.link->model.elects = false;
  world_.pass(seconds(2));
  EXPECT_EQ(world_.hub.answer(), "6: stored 1");
}

TEST_F(Publishing, BeyondItsLimitsItIsRefusedAtOnce) {
  world_.link->model.elects = true;
  const std::string data = '"' + std::string(1'000'000, 'x') + '"';
  std::uint32_t taken = 0;
  for (RequestToken token = 1; token <= 20; ++token) {
    publish("a:x", data, token);
    if (world_.hub.answers.empty()) ++taken;
  }
  EXPECT_EQ(taken, JetPublisher::kMaxBytes / data.size());
  EXPECT_EQ(world_.hub.answers.size(), 20 - taken);
  EXPECT_EQ(world_.metrics.broker_dropped_full_total, 20 - taken);
}

}  // namespace
}  // namespace millrace

// Questions, with and without a subscriber.
#include "tests/support/jet_world.h"

namespace millrace {
namespace {

class History : public testing::TestWithParam<bool> {
 protected:
  History() {
    if (!GetParam()) return;
    world_.listen("a:x");
    world_.read("a:x");
  }
  void publish(int from, int to, const std::string& channel = "a:x") {
    for (int i = from; i <= to; ++i) world_.publish(channel, std::to_string(i));
  }
  JetWorld world_;
};
INSTANTIATE_TEST_SUITE_P(WithAndWithout, History, testing::Bool());

TEST_P(History, PagesOfBothDirections) {
  EXPECT_EQ(world_.read("a:x", {.limit = 9}), "1: top 0");
  publish(1, 7);
  EXPECT_EQ(world_.read("a:x", {.limit = 9}), "1: 3 4 5 6 7 top 7") << "the last five";
  EXPECT_EQ(world_.read("a:x", {.limit = 2}), "1: 3 4 top 7");
  EXPECT_EQ(world_.read("a:x", {.limit = 2, .reverse = true}), "1: 7 6 top 7");
  // The stream keeps one more, and between two places it may be shown.
  EXPECT_EQ(world_.read("a:x", {.since = StreamPosition{6, {}}, .limit = 3, .reverse = true}),
            "1: 5 4 3 top 7");
  EXPECT_EQ(world_.read("a:x", {.since = StreamPosition{5, {}}, .limit = 9}),
            "1: 6 7 top 7 complete");
  EXPECT_EQ(world_.read("a:x", {.since = StreamPosition{2, {}}, .limit = 9}),
            "1: 3 4 5 6 7 top 7 complete");
  EXPECT_EQ(world_.read("a:x", {.since = StreamPosition{4, {}}, .limit = 1}), "1: 5 top 7");
  EXPECT_EQ(world_.read("a:x"), "1: top 7");
}

TEST_P(History, AnotherEpochIsSaid) {
  publish(1, 2);
  EXPECT_EQ(world_.read("a:x", {.since = StreamPosition{1, Epoch::of_bits(9)}, .limit = 9}),
            "1: other epoch top 2");
  world_.read("a:x");
  const Epoch epoch = world_.hub.epoch;
  EXPECT_EQ(world_.read("a:x", {.since = StreamPosition{1, epoch}, .limit = 9}),
            "1: 2 top 2 complete");
}

TEST_P(History, WhatIsTooOldIsNotShownAndNotRecovered) {
  publish(1, 2);
  world_.calendar.set(world_.calendar.seconds() + 200);
  world_.link->model.time = world_.calendar.seconds();
  world_.pass(seconds(200));
  publish(3, 3);
  EXPECT_EQ(world_.recover("a:x", 1), "1: 2 3 top 3 complete");
  world_.calendar.set(world_.calendar.seconds() + 150);
  world_.pass(seconds(150));
  EXPECT_EQ(world_.recover("a:x", 1), "1: 3 top 3");
  EXPECT_EQ(world_.recover("a:x", 2), "1: 3 top 3 complete");
  EXPECT_EQ(world_.read("a:x", {.limit = 9}), "1: 3 top 3");
}

TEST_P(History, APageHasItsBytes) {
  JetWorld world(JetLimits{.page_bytes = 1'000});
  if (GetParam()) world.listen("a:x");
  const std::string data = '"' + std::string(500, 'x') + '"';
  for (int i = 0; i < 3; ++i) world.publish("a:x", data);
  const std::string answer = world.recover("a:x", 0);
  EXPECT_EQ(answer, "1: " + data + " top 3");
}

TEST(HistoryOfACrowd, ComesFromMemory) {
  JetWorld world;
  world.listen("a:x");
  world.read("a:x");
  for (int i = 1; i <= 3; ++i) world.publish("a:x", std::to_string(i));
  world.pass(seconds(2));
  const std::uint64_t direct = world.link->model.asked["DIRECT"];
  for (int i = 0; i < 20; ++i) EXPECT_EQ(world.recover("a:x", 1), "1: 2 3 top 3 complete");
  EXPECT_EQ(world.link->model.asked["DIRECT"], direct);
  EXPECT_EQ(world.metrics.stream_cache_hits_total, 20U);
}

TEST(HistoryOfAShard, BeyondItsLimitIsRefusedAtOnce) {
  JetWorld world(JetLimits{.questions = 3});
  world.link->model.silent = true;
  for (int i = 0; i < 3; ++i) world.ask("a:x");
  EXPECT_EQ(world.hub.answer(), "");
  world.ask("a:x");
  EXPECT_EQ(world.hub.answer(), "1: unavailable");
  world.pass(JetBroker::kAnswerPatience + milliseconds(100));
  EXPECT_EQ(world.hub.answers.size(), 3U);
}

// A window that begins behind what is asked for is joined with what is read.
TEST(HistoryOfBoth, WhatIsReadAndWhatCameByAreOne) {
  JetWorld world;
  for (int i = 1; i <= 2; ++i) world.publish("a:x", std::to_string(i));
  world.listen("a:x");
  world.read("a:x");
  world.publish("a:x", "3");
  EXPECT_EQ(world.recover("a:x", 0), "1: 1 2 3 top 3 complete");
  EXPECT_EQ(world.recover("a:x", 1), "1: 2 3 top 3 complete");
  EXPECT_EQ(world.read("a:x", {.limit = 9}), "1: 1 2 3 top 3");
  EXPECT_EQ(world.read("a:x", {.limit = 2, .reverse = true}), "1: 3 2 top 3");
}

// More is published than the history holds while somebody reads what is before it.
TEST(HistoryOfBoth, WhoIsOvertakenByAWholeHistoryIsTold) {
  JetWorld world;
  for (int i = 1; i <= 3; ++i) world.publish("a:x", std::to_string(i));
  world.listen("a:x");
  world.read("a:x");
  world.publish("a:x", "4");
  world.link->model.silent = true;
  world.ask("a:x", {.since = StreamPosition{1, {}}, .limit = 100});
  for (int i = 5; i <= 12; ++i) world.publish("a:x", std::to_string(i));
  world.link->model.silent = false;
  world.pass(seconds(3));
  EXPECT_EQ(world.hub.answer(), "1: top 12");
}

}  // namespace
}  // namespace millrace

#include "net/jet/stream_reader.h"

#include "tests/support/jet_world.h"

namespace millrace {
namespace {

// Nobody listens, so everything is read from the stream.
class Reading : public testing::Test {
 protected:
  void publish(int from, int to, const std::string& channel = "a:x") {
    for (int i = from; i <= to; ++i) world_.publish(channel, std::to_string(i));
  }
  JetWorld world_;
};

TEST_F(Reading, ReadsWhatIsBehindAPosition) {
  publish(1, 4);
  EXPECT_EQ(world_.recover("a:x", 1), "1: 2 3 4 top 4 complete");
  EXPECT_EQ(world_.recover("a:x", 4), "1: top 4 complete");
  EXPECT_EQ(world_.recover("a:x", 0), "1: 1 2 3 4 top 4 complete");
  EXPECT_EQ(world_.recover("a:x", 9), "1: top 4");
  EXPECT_EQ(world_.recover("a:x", 1, 2), "1: 2 3 top 4");
}

TEST_F(Reading, AReplicaThatLagsIsNotBelieved) {
  publish(1, 4);
  world_.link->model.lag = 2;
  EXPECT_EQ(world_.recover("a:x", 1), "1: 2 3 4 top 4 complete");
  world_.link->model.lag = 0;
  EXPECT_EQ(world_.recover("a:x", 1), "1: 2 3 4 top 4 complete");
}

TEST_F(Reading, WhoeverDoesNotAnswerIsAskedAgainUntilTheEnd) {
  publish(1, 2);
  world_.link->model.silent = true;
  world_.ask("a:x", {.since = StreamPosition{1, {}}, .limit = 9});
  world_.pass(seconds(2));
  EXPECT_EQ(world_.hub.answer(), "");
  world_.link->model.silent = false;
  world_.pass(milliseconds(1'900));
  EXPECT_EQ(world_.hub.answer(), "1: 2 top 2 complete");
  world_.link->model.silent = true;
  world_.ask("a:x");
  world_.pass(JetBroker::kAnswerPatience + milliseconds(100));
  EXPECT_EQ(world_.hub.answer(), "1: unavailable");
}

TEST_F(Reading, MoreQuestionsThanRequestsAtATimeAreAllAnswered) {
  publish(1, 2);
  const std::uint32_t many = StreamReader::kMaxAsked * 3;
  for (std::uint32_t i = 0; i < many; ++i) {
    world_.broker->read_history("a:x", {.since = StreamPosition{0, {}}, .limit = 9},
                                JetWorld::namespaces()[0].kept, i, world_.now);
  }
  world_.turn();
  EXPECT_EQ(world_.hub.answers.size(), many);
  for (const std::string& answer : world_.hub.answers) {
    EXPECT_NE(answer.find(": 1 2 top 2 complete"), std::string::npos) << answer;
  }
}

TEST_F(Reading, OneQuestionAboutTheStreamServesManyWhoAskAtATime) {
  const std::uint64_t before = world_.link->model.asked["INFO"];
  for (std::uint32_t i = 0; i < 100; ++i) {
    world_.broker->read_history("a:x" + std::to_string(i), {}, JetWorld::namespaces()[0].kept, i,
                                world_.now);
  }
  world_.turn();
  EXPECT_EQ(world_.hub.answers.size(), 100U);
  EXPECT_LE(world_.link->model.asked["INFO"] - before, 2U);
}

}  // namespace
}  // namespace millrace

#include "net/api/api_series.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace millrace {
namespace {

// Writes down what is begun, and answers when it is told to.
class PlayedDesk : public ApiSeriesDesk, public ::testing::Test {
 protected:
  void begin_step(ApiBatch::Command command, ApiSeries& series, std::size_t step,
                  Instant now) override {
    begun.push_back(std::string(api_method_name(command.method)) + command.params);
    if (at_once) series.on_api_outcome(step, ApiOutcome::done(), now);
  }
  void begin_step(ApiPublish publish, ApiSeries& series, std::size_t step, Instant now) override {
    begun.push_back(publish.channel + "=" + publish.data);
    if (at_once) series.on_api_outcome(step, ApiOutcome::done(), now);
  }
  void go_on_later(std::uint64_t call) override { later.push_back(call); }
  void end_series(std::uint64_t call, ApiOutcome outcome, Instant) override {
    EXPECT_EQ(call, 9U);
    ended.push_back(api_answer(outcome));
  }
  static ApiBatch batch(std::size_t size, bool parallel = false) {
    ApiBatch made{.commands = {}, .parallel = parallel};
    for (std::size_t i = 0; i < size; ++i) made.commands.push_back({ApiMethod::kInfo, "{}"});
    return made;
  }
  static ApiBroadcast broadcast(std::size_t channels, std::size_t bytes) {
    ApiBroadcast made;
    made.publish.data = std::string(bytes, '1');
    for (std::size_t i = 0; i < channels; ++i) made.channels.push_back(std::to_string(i));
    return made;
  }

  bool at_once = false;
  std::vector<std::string> begun;
  std::vector<std::uint64_t> later;
  std::vector<std::string> ended;
  const Instant now_{1};
};

using ApiSeriesTest = PlayedDesk;

TEST_F(ApiSeriesTest, ABatchGoesOnWhenTheOneBeforeIsAnswered) {
  ApiSeries series(*this, 9, batch(2));
  series.go_on(now_);
  EXPECT_EQ(begun.size(), 1U);
  series.on_api_outcome(0, ApiOutcome::done(R"({"a":1})"), now_);
  EXPECT_EQ(begun.size(), 2U);
  EXPECT_TRUE(ended.empty());
  series.on_api_outcome(1, ApiOutcome::failed(ErrorCode::kUnknownChannel), now_);
  EXPECT_EQ(ended,
            std::vector<std::string>{R"({"replies":[{"info":{"a":1}},)"
                                     R"({"error":{"code":102,"message":"unknown channel"}}]})"});
}

TEST_F(ApiSeriesTest, InParallelTheirRepliesComeInAnyOrder) {
  ApiSeries series(*this, 9, batch(3, true));
  series.go_on(now_);
  EXPECT_EQ(begun.size(), 3U);
  for (const std::size_t step : {2U, 0U, 1U}) {
    series.on_api_outcome(step, ApiOutcome::done(std::to_string(step)), now_);
  }
  EXPECT_EQ(ended, std::vector<std::string>{R"({"replies":[{"info":0},{"info":1},{"info":2}]})"});
}

TEST_F(ApiSeriesTest, ALongOneIsDoneInPartsEachInATurn) {
  at_once = true;
  ApiSeries series(*this, 9, batch(2 * ApiSeries::kMaxSeriesSteps + 1));
  series.go_on(now_);
  EXPECT_EQ(begun.size(), ApiSeries::kMaxSeriesSteps);
  EXPECT_EQ(later, std::vector<std::uint64_t>{9});
  series.go_on(now_);
  series.go_on(now_);
  EXPECT_EQ(begun.size(), 2 * ApiSeries::kMaxSeriesSteps + 1);
  EXPECT_EQ(ended.size(), 1U);
}

TEST_F(ApiSeriesTest, ABroadcastHasSoMuchOnItsWay) {
  ApiSeries small(*this, 9, broadcast(1'000, 10));
  small.go_on(now_);
  EXPECT_EQ(begun.size(), ApiSeries::kMaxStepsInFlight);
  small.on_api_outcome(0, ApiOutcome::done(), now_);
  EXPECT_EQ(begun.size(), ApiSeries::kMaxStepsInFlight + 1);
  begun.clear();
  ApiSeries large(*this, 9, broadcast(3, 2 * ApiSeries::kStepBytesInFlight));
  large.go_on(now_);
  EXPECT_EQ(begun.size(), 1U);
  EXPECT_EQ(large.bytes(), 2 * ApiSeries::kStepBytesInFlight + 2) << "one name is given away";
}

TEST_F(ApiSeriesTest, LinesAreAnsweredInLines) {
  std::vector<ApiSeries::Line> lines;
  lines.push_back({{ApiMethod::kInfo, "{}"}, std::nullopt});
  lines.push_back({{}, ApiOutcome::failed(ErrorCode::kMethodNotFound)});
  ApiSeries series(*this, 9, std::move(lines));
  series.go_on(now_);
  series.on_api_outcome(0, ApiOutcome::done(), now_);
  EXPECT_EQ(ended,
            std::vector<std::string>{"{\"result\":{}}\n"
                                     R"({"error":{"code":104,"message":"method not found"}})"});
}

TEST_F(ApiSeriesTest, AnEmptyOneIsAnsweredAtOnce) {
  ApiSeries series(*this, 9, batch(0));
  series.go_on(now_);
  EXPECT_EQ(ended, std::vector<std::string>{R"({"replies":[]})"});
}

}  // namespace
}  // namespace millrace

// Many calls that are answered as one: a batch, a broadcast, the lines of POST /api. Each is a call
// of its own to the desk.
//
//   batch      {"replies":[{"publish":{..}},{"error":{..}}]}   in order, or all at once
//   (`parallel`) broadcast  {"responses":[{"result":{..}},{"error":{..}}]}  all at once lines
//   {"result":{..}}\n{"error":{..}}                 in order
//
// Owner: its call, in the desk. Limits: kMaxSeriesSteps calls begun a turn, the rest in the next
// ones; kMaxStepsInFlight; kStepBytesInFlight of data on their way, or one.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "net/api/api_outcome.h"

namespace millrace {

class ApiSeries;

// What begins the calls of a series: the desk.
class ApiSeriesDesk {
 public:
  virtual void begin_step(ApiBatch::Command command, ApiSeries& series, std::size_t step,
                          Instant now) = 0;
  virtual void begin_step(ApiPublish publish, ApiSeries& series, std::size_t step, Instant now) = 0;
  // Calls go_on() in the next turn.
  virtual void go_on_later(std::uint64_t call) = 0;
  virtual void end_series(std::uint64_t call, ApiOutcome outcome, Instant now) = 0;

 protected:
  ~ApiSeriesDesk() = default;
};

class ApiSeries final : public ApiTaker {
 public:
  static constexpr std::size_t kMaxSeriesSteps = 256;
  static constexpr std::size_t kMaxStepsInFlight = 256;
  static constexpr std::size_t kStepBytesInFlight = 4 * 1024 * 1024;

  // `desk` must outlive it. `call` is whose answer this is.
  ApiSeries(ApiSeriesDesk& desk, std::uint64_t call, ApiBatch batch);
  ApiSeries(ApiSeriesDesk& desk, std::uint64_t call, ApiBroadcast broadcast);
  // Lines that are no calls have an outcome already.
  struct Line {
    ApiBatch::Command command;
    std::optional<ApiOutcome> outcome;
  };
  ApiSeries(ApiSeriesDesk& desk, std::uint64_t call, std::vector<Line> lines);

  // What it keeps of what was asked.
  [[nodiscard]] std::size_t bytes() const;
  void go_on(Instant now);
  // ApiTaker: of a step, by its number.
  void on_api_outcome(std::uint64_t token, ApiOutcome outcome, Instant now) override;

 private:
  [[nodiscard]] std::size_t steps() const { return answers_.size(); }
  void begin(std::size_t step, Instant now);
  [[nodiscard]] std::string answer_of(std::size_t step, const ApiOutcome& outcome) const;
  [[nodiscard]] ApiOutcome outcome() const;

  ApiSeriesDesk& desk_;
  const std::uint64_t call_;
  std::variant<ApiBatch, ApiBroadcast, std::vector<Line>> what_;
  std::size_t window_ = 1;
  std::vector<std::string> answers_;
  std::size_t begun_ = 0;
  std::size_t answered_ = 0;
  bool beginning_ = false;
  bool ended_ = false;
};

}  // namespace millrace

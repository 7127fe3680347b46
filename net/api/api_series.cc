#include "net/api/api_series.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

ApiSeries::ApiSeries(ApiSeriesDesk& desk, std::uint64_t call, ApiBatch batch)
    : desk_(desk),
      call_(call),
      window_(batch.parallel ? kMaxStepsInFlight : 1),
      answers_(batch.commands.size()) {
  what_ = std::move(batch);
}

ApiSeries::ApiSeries(ApiSeriesDesk& desk, std::uint64_t call, ApiBroadcast broadcast)
    : desk_(desk), call_(call), answers_(broadcast.channels.size()) {
  const std::size_t size = std::max<std::size_t>(broadcast.publish.data.size(), 1);
  window_ = std::clamp<std::size_t>(kStepBytesInFlight / size, 1, kMaxStepsInFlight);
  what_ = std::move(broadcast);
}

ApiSeries::ApiSeries(ApiSeriesDesk& desk, std::uint64_t call, std::vector<Line> lines)
    : desk_(desk), call_(call), answers_(lines.size()) {
  what_ = std::move(lines);
}

std::size_t ApiSeries::bytes() const {
  std::size_t bytes = 0;
  if (const auto* batch = std::get_if<ApiBatch>(&what_)) {
    for (const ApiBatch::Command& each : batch->commands) bytes += each.params.size();
  } else if (const auto* broadcast = std::get_if<ApiBroadcast>(&what_)) {
    bytes = broadcast->publish.data.size();
    for (const std::string& each : broadcast->channels) bytes += each.size();
  } else {
    for (const Line& each : std::get<std::vector<Line>>(what_)) bytes += each.command.params.size();
  }
  return bytes;
}

// A step may be answered before its beginning returns, and so ends nothing here but at the end.
void ApiSeries::go_on(Instant now) {
  if (beginning_ || ended_) return;
  beginning_ = true;
  const std::size_t most = begun_ + kMaxSeriesSteps;
  while (begun_ < steps() && begun_ < most && begun_ - answered_ < window_) begin(begun_++, now);
  beginning_ = false;
  if (answered_ == steps()) {
    ended_ = true;
    return desk_.end_series(call_, outcome(), now);
  }
  if (begun_ < steps() && begun_ - answered_ < window_) desk_.go_on_later(call_);
}

void ApiSeries::begin(std::size_t step, Instant now) {
  if (auto* batch = std::get_if<ApiBatch>(&what_)) {
    desk_.begin_step(std::move(batch->commands[step]), *this, step, now);
  } else if (auto* broadcast = std::get_if<ApiBroadcast>(&what_)) {
    ApiPublish publish = broadcast->publish;
    publish.channel = std::move(broadcast->channels[step]);
    desk_.begin_step(std::move(publish), *this, step, now);
  } else {
    Line& line = std::get<std::vector<Line>>(what_)[step];
    if (line.outcome) return on_api_outcome(step, *std::move(line.outcome), now);
    desk_.begin_step(std::move(line.command), *this, step, now);
  }
}

void ApiSeries::on_api_outcome(std::uint64_t token, ApiOutcome outcome, Instant now) {
  CHECK_LT(token, answers_.size());
  CHECK(answers_[token].empty());
  answers_[token] = answer_of(token, outcome);
  ++answered_;
  go_on(now);
}

std::string ApiSeries::answer_of(std::size_t step, const ApiOutcome& outcome) const {
  const auto* batch = std::get_if<ApiBatch>(&what_);
  if (batch == nullptr || outcome.error) return api_answer(outcome);
  std::string out = "{\"";
  out.append(api_method_name(batch->commands[step].method)).append("\":");
  return out.append(outcome.text).append("}");
}

ApiOutcome ApiSeries::outcome() const {
  const bool lines = std::holds_alternative<std::vector<Line>>(what_);
  const bool batch = std::holds_alternative<ApiBatch>(what_);
  std::string all = lines ? "" : batch ? R"({"replies":[)" : R"({"responses":[)";
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if (i > 0) all.push_back(lines ? '\n' : ',');
    all.append(answers_[i]);
  }
  if (!lines) all.append("]}");
  ApiOutcome outcome = ApiOutcome::done(std::move(all));
  outcome.bare = lines || batch;
  return outcome;
}

}  // namespace millrace

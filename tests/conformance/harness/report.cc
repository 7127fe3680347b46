#include "tests/conformance/harness/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace millrace::conformance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kAtOnce = 24;
constexpr std::size_t kHeavyAtOnce = 3;  // each holds its messages a few times over

Milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<Milliseconds>(Clock::now() - begin);
}

void run_some(std::vector<Result*> results, std::size_t at_once, const RunOptions& options) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < std::min(at_once, results.size()); ++i) {
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < results.size(); at = next++) {
        Result& result = *results[at];
        const auto begin = Clock::now();
        result.judgement = run_case(*result.one, options);
        result.took = since(begin);
      }
    });
  }
}

}  // namespace

std::size_t Report::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      results, [=](const Result& one) { return one.judgement.verdict == verdict; }));
}

std::string Report::ids(Verdict verdict) const {
  std::string ids;
  for (const Result& result : results) {
    if (result.judgement.verdict != verdict) continue;
    ids += (ids.empty() ? "" : " ") + result.one->id;
  }
  return ids;
}

std::string Report::summary() const {
  return fmt::format("{} cases: {} ok, {} non-strict, {} informational, {} failed in {:.1f} s",
                     results.size(), count(Verdict::kOk), count(Verdict::kNonStrict),
                     count(Verdict::kInformational), count(Verdict::kFailed),
                     static_cast<double>(took.count()) / 1000);
}

std::string_view verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kNonStrict:
      return "non-strict";
    case Verdict::kInformational:
      return "informational";
    case Verdict::kFailed:
      return "FAILED";
  }
  return "";
}

std::string line_of(const Result& result) {
  std::string line = fmt::format("{:<8} {:<14} {:>6} ms  {}", result.one->id,
                                 verdict_text(result.judgement.verdict), result.took.count(),
                                 result.one->description);
  if (!result.judgement.text.empty()) line += "\n         " + result.judgement.text;
  return line;
}

Report run_cases(const std::vector<const Case*>& cases, const RunOptions& options) {
  const auto begin = Clock::now();
  Report report;
  for (const Case* one : cases) report.results.push_back({one, {}, {}});
  std::vector<Result*> light;
  std::vector<Result*> heavy;
  for (Result& result : report.results) {
    (result.one->heavy ? heavy : light).push_back(&result);
  }
  run_some(light, kAtOnce, options);
  run_some(heavy, kHeavyAtOnce, options);
  report.took = since(begin);
  return report;
}

std::vector<const Case*> pointers_to_all() {
  std::vector<const Case*> all;
  for (const Case& one : all_cases()) all.push_back(&one);
  return all;
}

}  // namespace millrace::conformance

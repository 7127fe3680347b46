// All the cases, or some, against a server: side by side, since most of their time is waiting.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/conformance/harness/case_run.h"

namespace millrace::conformance {

struct Result {
  const Case* one = nullptr;
  Judgement judgement;
  Milliseconds took{};
};

struct Report {
  std::vector<Result> results;  // in the order of the cases
  Milliseconds took{};

  [[nodiscard]] std::size_t count(Verdict verdict) const;
  // The ids with that verdict, with a blank between.
  [[nodiscard]] std::string ids(Verdict verdict) const;
  // "301 cases: 298 ok, 0 non-strict, 3 informational, 0 failed in 12.3 s"
  [[nodiscard]] std::string summary() const;
};

std::string_view verdict_text(Verdict verdict);
// "6.4.1    ok              what it is", and what was heard, for a verdict that needs it.
std::string line_of(const Result& result);

Report run_cases(const std::vector<const Case*>& cases, const RunOptions& options);
std::vector<const Case*> pointers_to_all();

}  // namespace millrace::conformance

// Proof that the cases can fail: a server that is wrong in one way, and a case that says so.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "core/base/assert.h"
#include "tests/conformance/harness/child.h"
#include "tests/conformance/harness/report.h"
#include "tests/conformance/misbehaviours.h"

namespace millrace::conformance {
namespace {

// What fails by waiting must not take long.
constexpr Milliseconds kPatience{700};

Child wrong_echo(std::string_view misbehaviour) {
  return Child(
      {MILLRACE_WRONG_ECHO, "--listen", "127.0.0.1:0", "--misbehave", std::string(misbehaviour)});
}

struct Finding {
  const MisbehaviourRow* row = nullptr;
  Judgement judgement;
};

// A few at a time: what fails by waiting only waits.
std::vector<Finding> find_all() {
  constexpr std::size_t kAtOnce = 6;
  std::vector<Finding> findings;
  for (const MisbehaviourRow& row : misbehaviours()) findings.push_back({&row, {}});
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < findings.size(); at = next++) {
        const Case* one = find_case(findings[at].row->found_by);
        CHECK(one != nullptr);
        const Child server = wrong_echo(findings[at].row->name);
        RunOptions options;
        options.address = server.address();
        options.patience = kPatience;
        findings[at].judgement = run_case(*one, options);
      }
    });
  }
  workers.clear();
  return findings;
}

// The other half of the proof: with nothing wrong, the same server is not found fault with.
TEST(Misbehaviour, WithoutOneNoFaultIsFound) {
  const Child server = wrong_echo("none");
  RunOptions options;
  options.address = server.address();
  std::vector<const Case*> cases;
  for (const Case& one : all_cases()) {
    if (!one.heavy) cases.push_back(&one);
  }
  const Report report = run_cases(cases, options);
  for (const Result& result : report.results) {
    EXPECT_NE(result.judgement.verdict, Verdict::kFailed) << line_of(result);
    EXPECT_NE(result.judgement.verdict, Verdict::kNonStrict) << line_of(result);
  }
}

TEST(Misbehaviour, EachIsFoundByItsCase) {
  EXPECT_GE(misbehaviours().size(), 12U);
  std::set<std::string_view> names;
  for (const Finding& finding : find_all()) {
    SCOPED_TRACE(finding.row->name);
    EXPECT_TRUE(names.insert(finding.row->name).second);
    EXPECT_NE(finding.judgement.verdict, Verdict::kOk);
    EXPECT_NE(finding.judgement.verdict, Verdict::kInformational);
    EXPECT_FALSE(finding.judgement.text.empty());
  }
  std::printf("%zu misbehaviours found\n", names.size());
}

}  // namespace
}  // namespace millrace::conformance

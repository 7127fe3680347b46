#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <set>

#include "tests/conformance/harness/child.h"
#include "tests/conformance/harness/report.h"

namespace millrace::conformance {
namespace {

TEST(ConformanceTable, HasThe301CasesWithoutCompression) {
  std::map<int, std::size_t> by_section;
  std::set<std::string> ids;
  for (const Case& one : all_cases()) {
    ++by_section[one.section()];
    EXPECT_TRUE(ids.insert(one.id).second) << one.id << " is there twice";
    EXPECT_NE(one.description.find("(RFC "), std::string::npos) << one.id;
    EXPECT_EQ(one.description.find('\n'), std::string::npos) << one.id;
  }
  EXPECT_EQ(all_cases().size(), 301U);
  const std::map<int, std::size_t> wanted{{1, 16},  {2, 11}, {3, 7},  {4, 10}, {5, 20},
                                          {6, 145}, {7, 37}, {9, 54}, {10, 1}};
  EXPECT_EQ(by_section, wanted);
}

TEST(ConformanceTable, GroupsAreNumberedWithoutAHole) {
  std::map<std::string, int> last;
  for (const Case& one : all_cases()) {
    const std::size_t dot = one.id.rfind('.');
    EXPECT_EQ(std::stoi(one.id.substr(dot + 1)), ++last[one.id.substr(0, dot)]) << one.id;
  }
  EXPECT_EQ(last["6.22"], 34);
  EXPECT_EQ(last["6.23"], 7);
  EXPECT_EQ(last["7.13"], 2);
  EXPECT_EQ(last["9.8"], 6);
}

TEST(ConformanceTable, EachCaseSaysWhatItExpects) {
  for (const Case& one : all_cases()) {
    if (one.heavy) continue;
    const Script script = one.script({});
    EXPECT_FALSE(script.steps().empty()) << one.id;
    ASSERT_FALSE(script.outcomes().empty()) << one.id;
    const bool is_open = one.id == "7.1.6" || one.id.starts_with("7.13.");
    EXPECT_EQ(script.outcomes().front().verdict, is_open ? Verdict::kInformational : Verdict::kOk)
        << one.id;
  }
}

TEST(Conformance, MillraceEchoKeepsEveryRule) {
  Child echo({MILLRACE_ECHO, "--listen", "127.0.0.1:0"});
  RunOptions options;
  options.address = echo.address();
  const Report report = run_cases(pointers_to_all(), options);
  for (const Result& result : report.results) {
    const Verdict verdict = result.judgement.verdict;
    EXPECT_TRUE(verdict == Verdict::kOk || verdict == Verdict::kInformational) << line_of(result);
  }
  EXPECT_EQ(report.ids(Verdict::kInformational), "7.1.6 7.13.1 7.13.2");
  EXPECT_EQ(echo.stop(SIGTERM), 0) << "it ends without a finding of a sanitizer's";
  std::printf("%s\n", report.summary().c_str());
}

}  // namespace
}  // namespace millrace::conformance

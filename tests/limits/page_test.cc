// docs/LIMITS.md, made of the table, so that it says what is tested.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/limits/limit.h"

namespace millrace {
namespace {

std::string value_text(const Limit& limit) {
  return std::to_string(limit.value) + (limit.unit.empty() ? "" : " " + limit.unit);
}

const char* edge_text(Edge edge) {
  switch (edge) {
    case Edge::kMost:
      return "at most";
    case Edge::kLeast:
      return "at least";
    case Edge::kDeadline:
      return "before";
  }
  return "";
}

std::string names_text(const Limit& limit) {
  std::string text;
  for (const std::string& name : limit.covers) {
    text += (text.empty() ? "`" : ", `") + name + "`";
  }
  return text.empty() ? "-" : text;
}

// The ends of the keys' ranges are in CONFIGURATION.md already.
std::string page() {
  std::string text =
      "# Limits\n\n"
      "<!-- Made by tests/limits/page_test.cc, which compares. To make it anew:\n"
      "     MILLRACE_TEST_WRITE_DOCS=1 build/release/limits_test --gtest_filter='LimitsPage.*' "
      "-->\n"
      "\n"
      "Everything that is tested just below, at and just above its limit, with what becomes of "
      "the\n"
      "one too many. A key that can be set is shown with the value that the test sets. The ends "
      "of\n"
      "each key's range ([CONFIGURATION.md](CONFIGURATION.md)) are tested in the same way.\n"
      "Times are rounded up to whole ticks of 4 ms.\n\n"
      "| what | limit | beyond it | name in the sources |\n|---|---|---|---|\n";
  for (const Limit& limit : all_limits()) {
    if (limit.refusal == kKeyRefused) continue;
    text += "| " + limit.name + " | " + edge_text(limit.edge) + " " + value_text(limit) + " | " +
            limit.refusal + " | " + names_text(limit) + " |\n";
  }
  return text;
}

TEST(LimitsPage, IsTheOneInDocs) {
  const std::string path = std::string(MILLRACE_SOURCE_DIR) + "/docs/LIMITS.md";
  if (std::getenv("MILLRACE_TEST_WRITE_DOCS") != nullptr) std::ofstream(path) << page();
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == page())
      << path << " is not what tests/limits makes; run this test again with "
      << "MILLRACE_TEST_WRITE_DOCS=1 in the environment and look at the difference";
}

}  // namespace
}  // namespace millrace

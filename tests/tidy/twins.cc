#include <array>
#include <set>
#include <string>
#include <string_view>

#include "tests/tidy/tidy.h"

namespace millrace::tidy {
namespace {

struct WithoutTwin {
  std::string_view path;
  std::string_view why;
};

constexpr std::array<WithoutTwin, 2> kWithoutTwin{{
    {"core/time/clock.cc", "one call of the kernel's; nothing to decide"},
    {"net/server/main.cc", "the command line; tests/e2e runs it"},
}};

bool in_rooms(std::string_view path) {
  return path.starts_with("core/") || path.starts_with("proto/") || path.starts_with("net/");
}

const WithoutTwin* reason_for(std::string_view path) {
  for (const WithoutTwin& row : kWithoutTwin) {
    if (row.path == path) return &row;
  }
  return nullptr;
}

std::string twin_of(std::string_view source) {
  return "tests/unit/" + std::string(source.substr(0, source.size() - 3)) + "_test.cc";
}

void check_source(const std::string& path, const std::set<std::string>& paths, Findings& findings) {
  const bool has_twin = paths.contains(twin_of(path));
  const bool has_reason = reason_for(path) != nullptr;
  if (!has_twin && !has_reason) {
    findings.push_back(path + ": no test beside it; write " + twin_of(path) +
                       ", or give a reason in tests/tidy/twins.cc");
  }
  if (has_twin && has_reason) {
    findings.push_back(path + ": has a test now; take its reason out of tests/tidy/twins.cc");
  }
}

void check_unit_test(const std::string& path, const std::set<std::string>& paths,
                     Findings& findings) {
  constexpr std::string_view kRoot = "tests/unit/";
  constexpr std::string_view kEnding = "_test.cc";
  const std::string stem = path.substr(kRoot.size(), path.size() - kRoot.size() - kEnding.size());
  if (!paths.contains(stem + ".cc") && !paths.contains(stem + ".h")) {
    findings.push_back(path + ": tests nothing of its name; call it after what it tests");
  }
}

}  // namespace

Findings check_twins(const std::set<std::string>& paths) {
  Findings findings;
  for (const std::string& path : paths) {
    if (in_rooms(path) && path.ends_with(".cc")) check_source(path, paths, findings);
    if (path.starts_with("tests/unit/") && path.ends_with("_test.cc")) {
      check_unit_test(path, paths, findings);
    }
  }
  for (const WithoutTwin& row : kWithoutTwin) {
    if (!paths.contains(std::string(row.path))) {
      findings.push_back(std::string(row.path) +
                         ": does not exist; take its reason out of tests/tidy/twins.cc");
    }
  }
  return findings;
}

}  // namespace millrace::tidy

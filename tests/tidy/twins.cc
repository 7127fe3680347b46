#include <array>
#include <cstddef>
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

constexpr std::array<WithoutTwin, 1> kWithoutTwin{{
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

std::string without_ending(std::string_view path, std::string_view ending) {
  return std::string(path.substr(0, path.size() - ending.size()));
}

// "net/a/session_commands" -> "net/a/session"; empty if the name is one word.
std::string without_last_word(const std::string& stem) {
  const std::size_t slash = stem.rfind('/');
  const std::size_t bar = stem.rfind('_');
  const bool is_one_word = bar == std::string::npos || (slash != std::string::npos && bar < slash);
  return is_one_word ? std::string() : stem.substr(0, bar);
}

// Whether `found` holds for the stem or, word by word, for what it begins with.
bool holds_for_beginning(std::string stem, const auto& found) {
  for (; !stem.empty(); stem = without_last_word(stem)) {
    if (found(stem)) return true;
  }
  return false;
}

void check_source(const std::string& path, const std::set<std::string>& paths, Findings& findings) {
  const std::string stem = without_ending(path, ".cc");
  const auto has_test = [&paths](const std::string& of) {
    return paths.contains("tests/unit/" + of + "_test.cc");
  };
  // A source without a header of its own is a part of a class, and is tested with it.
  const bool has_twin =
      paths.contains(stem + ".h") ? has_test(stem) : holds_for_beginning(stem, has_test);
  const bool has_reason = reason_for(path) != nullptr;
  if (!has_twin && !has_reason) {
    findings.push_back(path + ": no test beside it; write tests/unit/" + stem +
                       "_test.cc, or give a reason in tests/tidy/twins.cc");
  }
  if (has_twin && has_reason) {
    findings.push_back(path + ": has a test now; take its reason out of tests/tidy/twins.cc");
  }
}

// A test may be one of several of a source, named with a word more, or of a support file.
void check_unit_test(const std::string& path, const std::set<std::string>& paths,
                     Findings& findings) {
  constexpr std::string_view kRoot = "tests/unit/";
  const auto is_source_of = [&paths](const std::string& stem) {
    const std::string support = "tests/support/" + stem.substr(stem.rfind('/') + 1);
    return paths.contains(stem + ".cc") || paths.contains(stem + ".h") ||
           paths.contains(support + ".cc") || paths.contains(support + ".h");
  };
  if (!holds_for_beginning(without_ending(path, "_test.cc").substr(kRoot.size()), is_source_of)) {
    findings.push_back(path + ": tests nothing of its name; begin it with what it tests");
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

// The style rules that a machine can check, as functions from a file's text to what is wrong.
//
// Pure: nothing here reads a file, so every rule has a test that shows it fails
// (tests/tidy/tidy_test.cc) before it is let loose on the tree. They judge lines and words, not
// C++: clang-tidy does that. Where a rule has exceptions they stand in a table beside it, each with
// its reason.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tidy {

inline constexpr std::size_t kMaxColumns = 100;
inline constexpr std::size_t kMaxFunctionLines = 70;
inline constexpr std::size_t kMaxFileLines = 400;

// A file of the tree; `path` is relative to the repository's root, with slashes.
struct File {
  std::string path;
  std::string text;
};

// What is wrong, ready to print: "core/a.cc:12: cause; fix".
using Findings = std::vector<std::string>;

[[nodiscard]] bool is_source(std::string_view path);  // .h and .cc
[[nodiscard]] bool is_script(std::string_view path);  // what else people write code in
[[nodiscard]] bool is_text(std::string_view path);    // everything that lines and blanks matter to

// The text with comments and literals blanked out, line for line.
[[nodiscard]] std::string code_only(std::string_view text);

// Every rule that looks at one file alone.
[[nodiscard]] Findings check_file(const File& file);

// The parts of check_file().
[[nodiscard]] Findings check_includes(const File& file);
[[nodiscard]] Findings check_shape(const File& file);
[[nodiscard]] Findings check_functions(const File& file);
[[nodiscard]] Findings check_words(const File& file);
[[nodiscard]] Findings check_header(const File& file);
[[nodiscard]] Findings check_markdown(const File& file);

// Rules about which files exist: each source of a room has a test beside it or a reason not to,
// each unit test has what it tests, and no reason is left behind.
[[nodiscard]] Findings check_twins(const std::set<std::string>& paths);

}  // namespace millrace::tidy

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "tests/tidy/lines.h"
#include "tests/tidy/tidy.h"

namespace millrace::tidy {
namespace {

bool ends_with_any(std::string_view path, const auto& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [path](std::string_view ending) { return path.ends_with(ending); });
}

// Code points, so that an arrow in a comment counts as one column.
std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

bool is_generated(std::string_view path) { return path.ends_with("package-lock.json"); }

// A line at the left edge that can be the first of a function's signature.
bool can_open_function(std::string_view line) {
  constexpr std::array<std::string_view, 5> kNot{" ", "}", "#", "//", "namespace"};
  return !line.empty() && std::none_of(kNot.begin(), kNot.end(), [line](std::string_view start) {
    return line.starts_with(start);
  });
}

Findings append(Findings to, const Findings& from) {
  to.insert(to.end(), from.begin(), from.end());
  return to;
}

}  // namespace

bool is_source(std::string_view path) {
  constexpr std::array<std::string_view, 2> kEndings{".h", ".cc"};
  return ends_with_any(path, kEndings);
}

bool is_script(std::string_view path) {
  constexpr std::array<std::string_view, 5> kEndings{".mjs", ".js", ".sh", "CMakeLists.txt",
                                                     ".ci/run"};
  return path == "dev" || ends_with_any(path, kEndings);
}

bool is_text(std::string_view path) {
  constexpr std::array<std::string_view, 11> kEndings{".md",  ".json",      ".toml",      ".html",
                                                      ".css", ".yml",       ".conf",      ".fbs",
                                                      ".txt", ".gitignore", ".clang-tidy"};
  return is_source(path) || is_script(path) || ends_with_any(path, kEndings);
}

Findings check_shape(const File& file) {
  Findings findings;
  if (!is_text(file.path)) return findings;
  const bool is_code = is_source(file.path) || is_script(file.path);
  std::size_t number = 0;
  for (const std::string_view line : lines_of(file.text)) {
    ++number;
    if (is_code && columns(line) > kMaxColumns) {
      findings.push_back(at(file.path, number) + std::to_string(columns(line)) +
                         " columns; break the line at " + std::to_string(kMaxColumns));
    }
    if (line.find('\t') != std::string_view::npos) {
      findings.push_back(at(file.path, number) + "a tab; use spaces");
    }
    if (line.ends_with(' ') || line.ends_with('\r')) {
      findings.push_back(at(file.path, number) + "a blank at the line's end; take it away");
    }
  }
  if (is_code && number > kMaxFileLines) {
    findings.push_back(at(file.path, number) + std::to_string(number) +
                       " lines; split the file by responsibility, " +
                       std::to_string(kMaxFileLines) + " at most");
  }
  if (!file.text.empty() && !is_generated(file.path) && !file.text.ends_with('\n')) {
    findings.push_back(at(file.path, number) + "no line end at the file's end; add one");
  }
  return findings;
}

Findings check_functions(const File& file) {
  Findings findings;
  if (!file.path.ends_with(".cc")) return findings;
  const std::string code = code_only(file.text);
  std::size_t number = 0;
  std::size_t opened = 0;
  for (const std::string_view line : lines_of(code)) {
    ++number;
    // After clang-format only a function of a namespace ends with a lone brace at the left edge,
    // and its continuation lines are indented.
    if (can_open_function(line)) opened = number;
    if (line == "}" && opened != 0 && number - opened + 1 > kMaxFunctionLines) {
      findings.push_back(at(file.path, opened) + "a function of " +
                         std::to_string(number - opened + 1) +
                         " lines; take parts out that have a name, " +
                         std::to_string(kMaxFunctionLines) + " at most");
    }
  }
  return findings;
}

Findings check_header(const File& file) {
  Findings findings;
  if (!file.path.ends_with(".h")) return findings;
  if (!file.text.starts_with("// ")) {
    findings.push_back(at(file.path, 1) +
                       "no head comment; say what it is, who owns it and its limits");
  }
  std::size_t number = 0;
  for (const std::string_view line : lines_of(file.text)) {
    ++number;
    if (line.empty() || line.starts_with("//")) continue;
    if (line != "#pragma once") {
      findings.push_back(at(file.path, number) + "code before #pragma once; begin with it");
    }
    return findings;
  }
  findings.push_back(at(file.path, number) + "no #pragma once; begin with it");
  return findings;
}

Findings check_markdown(const File& file) {
  Findings findings;
  if (!file.path.ends_with(".md")) return findings;
  bool in_code = false;
  std::size_t titles = 0;
  for (const std::string_view line : lines_of(file.text)) {
    if (line.starts_with("```")) in_code = !in_code;
    if (!in_code && line.starts_with("# ")) ++titles;
  }
  if (titles != 1) {
    findings.push_back(at(file.path, 1) + std::to_string(titles) +
                       " titles; a page has one line that begins with `# `");
  }
  return findings;
}

Findings check_file(const File& file) {
  Findings findings;
  for (const auto check :
       {check_includes, check_shape, check_functions, check_words, check_header, check_markdown}) {
    findings = append(std::move(findings), check(file));
  }
  return findings;
}

}  // namespace millrace::tidy

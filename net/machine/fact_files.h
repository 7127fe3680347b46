// Reads small files of /proc and /sys into facts. What is in them is not trusted: a file longer
// than kMaxFactFile, a number that does not fit, or a word where a number should be is
// "unreadable".
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "net/machine/machine_facts.h"

namespace millrace {

inline constexpr std::size_t kMaxFactFile = 256 * 1024;  // bytes

struct FactFile {
  Reading reading = Reading::kMissing;
  std::string text;
};

FactFile read_fact_file(const std::string& path);

// The next word of `text`, which is cut behind it; empty at the end.
std::string_view next_word(std::string_view& text);
// The next line, without its end; `text` is cut behind it.
std::string_view next_line(std::string_view& text);

// A decimal number and nothing else; "max" and "unlimited" are kUnlimited. False if it is none.
bool to_number(std::string_view word, std::uint64_t& number);

// All of the file is N numbers.
template <std::size_t N>
FactOf<N> numbers_of(const FactFile& file) {
  FactOf<N> fact;
  fact.reading = file.reading;
  if (!fact.known()) return fact;
  std::string_view text = file.text;
  for (std::uint64_t& value : fact.values) {
    if (!to_number(next_word(text), value)) fact.reading = Reading::kUnreadable;
  }
  if (!next_word(text).empty()) fact.reading = Reading::kUnreadable;
  return fact;
}

template <std::size_t N = 1>
FactOf<N> read_numbers(const std::string& path) {
  return numbers_of<N>(read_fact_file(path));
}

// The number behind `key` at the beginning of a line, such as "MemTotal:" or "inactive_file".
Fact number_behind(const FactFile& file, std::string_view key);

}  // namespace millrace

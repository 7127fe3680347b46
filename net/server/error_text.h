// Words for errors that people read: bounded, on one line, naming what was probably meant. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

inline constexpr std::size_t kMaxQuoted = 80;  // bytes of the original

// Without control characters, line breaks and bytes that aren't ASCII: they become \xHH. What is
// longer than `limit` is cut.
std::string printable(std::string_view text, std::size_t limit = kMaxQuoted);
// The same in double quotes.
std::string in_quotes(std::string_view text);

// How many insertions, removals, replacements and swaps of neighbours make one of the other. Only
// the first kMaxQuoted bytes of either count.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate with the smallest distance, the first of equals. REQUIRES: there is one.
std::string_view nearest_name(std::string_view name,
                              const std::vector<std::string_view>& candidates);

}  // namespace millrace

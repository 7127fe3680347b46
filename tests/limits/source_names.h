// The names of limits as the sources have them, so that none is forgotten: constants of a number or
// a span of time, and the fields of the structs that limits are told in.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace millrace {

// "file.h:kName" for each `constexpr` number or span of time in the text.
std::set<std::string> constants_of(std::string_view file, std::string_view text);

// "HttpLimits.fields" for each such field of a struct called ...Limits, ...Timeouts, ...Options or
// ...Settings.
std::set<std::string> fields_of(std::string_view text);

// Those of all sources below core/, proto/ and net/ of `root`.
std::set<std::string> names_in_sources(const std::string& root);

}  // namespace millrace

// Spans of time and numbers of bytes as people write them: "250ms", "5m", "64KiB". Pure.
//
// A text is one whole number and one unit, with nothing between them. There is no bare number,
// because `10` of what? is the question that a unit answers, and no KB, because it means two
// things.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time/instant.h"

namespace millrace {

inline constexpr std::string_view kDurationUnits = "ms, s, m, h";
inline constexpr std::string_view kSizeUnits = "B, KiB, MiB, GiB";

// nullopt if it isn't one, or if it doesn't fit into 63 bits of nanoseconds or bytes.
std::optional<Duration> parse_duration(std::string_view text);
std::optional<std::int64_t> parse_size(std::string_view text);

// The shortest text that parses back to the value. REQUIRES: whole milliseconds, not negative.
std::string duration_text(Duration value);
// REQUIRES: not negative.
std::string size_text(std::int64_t bytes);

}  // namespace millrace

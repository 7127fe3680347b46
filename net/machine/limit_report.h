// A limit report as text: a table for people, JSON for scripts, and single lines for the log and
// for errors. Pure.
#pragma once

#include <string>

#include "net/machine/limit_rules.h"

namespace millrace {

inline constexpr std::size_t kReportColumns = 100;

// "cap 38,252: RLIMIT_NOFILE decides (20,000)".
std::string cap_text(const LimitReport& report);

// cap_text(), how many rows are how, and all rows; consequence and fix below those that need one.
std::string table_text(const LimitReport& report);

// One object with keys that stay: cap, asked, fits, decided_by, limits[]. Ends with a line break.
std::string json_text(const LimitReport& report);

// Why the server does not start with all that is asked for: one line, cause and fix.
// REQUIRES: !report.fits().
std::string refusal_text(const LimitReport& report);

// The names of the rows that are not as they should be, "a, b"; empty if there is none.
std::string warned_names(const LimitReport& report);

}  // namespace millrace

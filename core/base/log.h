// The log: one line a message on stderr, with the time (UTC) and a level. The only place that logs.
//
// A text may hold what a peer sent, so it can't forge a line or drive a terminal: what is not
// printable ASCII is written as \n, \r, \t or \xNN, a backslash as two, and what is longer than
// kMaxLogText is cut, with a note of how much. Lines that a peer can provoke are also limited in
// number (core/limit/log_limiter.h). No secrets: tokens, keys and payloads are not logged.
//
// Any thread's. Lines do not mix.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

inline constexpr std::size_t kMaxLogText = 4'096;  // bytes of a message, before escaping

void log_debug(std::string_view text);
void log_info(std::string_view text);
void log_warn(std::string_view text);
void log_error(std::string_view text);

// Messages below it are dropped. "debug", "info" (the default), "warn" or "error"; false and no
// effect for another name.
[[nodiscard]] bool set_log_level(std::string_view name);

// The text as it stands in the log. Pure.
std::string log_escaped(std::string_view text);

}  // namespace millrace

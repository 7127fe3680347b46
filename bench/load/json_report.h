// A run as JSON, for scripts. docs/LOAD.md lists the keys; they are stable. Pure.
#pragma once

#include <string>

#include "bench/load/result.h"

namespace millrace::load {

// The whole run, one object on one line.
std::string json_report(const Options& options, const RunResult& run);
// Lines of --events: {"event":"begin","phase":"open",...} and {"event":"end",...}.
std::string json_begin(const Phase& phase, Duration since_start);
std::string json_end(const PhaseResult& phase, Duration since_start);

}  // namespace millrace::load

// A run as a person reads it: a few lines on what happened, tables of times, memory and CPU, and
// the verdict. Pure.
#pragma once

#include <string>

#include "bench/load/conductor.h"
#include "bench/load/result.h"

namespace millrace::load {

std::string summary(const Options& options, const RunResult& run);

// One line on the way: what is up, what comes, who works how hard since the line before.
std::string progress_line(const Options& options, Duration since_start,
                          const RunObserver::Progress& before,
                          const RunObserver::Progress& progress);

// "850 us", "12.3 ms", "4.56 s".
std::string span_text(Duration span);
// "320 B", "4.4 KiB", "1.2 GiB"; with a sign if it is negative.
std::string bytes_text(double bytes);

}  // namespace millrace::load

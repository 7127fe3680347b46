// The command line: one table of flags, from which arguments are read, checked and explained. Pure.
#pragma once

#include <string>
#include <vector>

#include "bench/load/options.h"
#include "core/base/result.h"

namespace millrace::load {

struct CommandLine {
  Options options;
  std::string output;  // of --help and --version: print it and end
};

// `api_key` is MILLRACE_API_KEY's value. The error is one line for people; the exit code is 64.
Result<CommandLine> parse_command_line(const std::vector<std::string>& words,
                                       const std::string& api_key);

std::string help_text();

}  // namespace millrace::load

// What the shell scripts of ./dev call. A script sources another one when a command is asked for,
// so a function that moves between them breaks a command that no test runs; and bash finds out only
// when it gets there.
//
// Reads what these scripts are made of, not all of bash: no here-documents, and commands that stand
// in strings or variables are not seen.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/tidy.h"

namespace millrace::tidy {

struct ShellCall {
  std::string name;
  std::size_t line = 0;
};

struct ShellScript {
  std::set<std::string> functions;  // that it defines
  std::vector<ShellCall> calls;     // words in the place of a command, but for paths
};
[[nodiscard]] ShellScript read_shell(std::string_view text);

// Calls of what neither the script nor `dev` defines, and bash and Debian don't have either; and
// commands in the list of `dev` that are not there. `sourced` are the scripts that `dev` sources.
[[nodiscard]] Findings check_dev(const File& dev, const std::vector<File>& sourced);

// The paths behind `. PATH`.
[[nodiscard]] std::vector<std::string> sourced_by(std::string_view text);

}  // namespace millrace::tidy

// The command line of millrace: which command, with which configuration.
//
//   millrace serve [FLAGS] | check [FLAGS] | version | --version | --help | COMMAND --help
//
// Exit codes are sysexits(3)'s. This file reads the configuration's file, and touches nothing else:
// it opens no port and prints nothing.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "net/server/config.h"
#include "net/server/config_loader.h"
#include "net/server/limit_check.h"

namespace millrace {

inline constexpr int kExitUsage = 64;
inline constexpr int kExitConfiguration = 78;

struct CommandLine {
  enum class Verb : std::uint8_t { kServe, kCheck, kVersion, kHelp, kCheckConfig };
  Verb verb = Verb::kHelp;
  ConfigSources sources;  // what config was made of, for who reads it again
  Config config;          // of kServe, kCheck and kCheckConfig
  CheckOptions check;     // of kCheck
  std::string output;     // for stdout; empty for kServe and kCheck
};

struct CommandLineError {
  int exit_code = kExitUsage;
  // For stderr, complete but for a line break at its end. One line with cause and fix, or the help
  // if there was no command at all. It holds no secret.
  std::string text;
};

// The environment of this process.
Environment process_environment();

// REQUIRES: argv as main() has it.
Result<CommandLine, CommandLineError> parse_command_line(int argc, const char* const* argv,
                                                         const Environment& environment);

}  // namespace millrace

// Makes the Config out of its sources: flags win over the environment, which wins over the file,
// which wins over the defaults. Every value is checked where it stands, even if a later one wins;
// then what must fit together is.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "net/server/config.h"
#include "net/server/config_keys.h"
#include "net/server/config_value.h"

namespace millrace {

// Variables by name: a process's, or a test's.
using Environment = std::map<std::string, std::string>;

// The values of one flag, one for each time it was given.
struct FlagValues {
  const ConfigKey* key = nullptr;
  std::vector<std::string> texts;
};

struct ConfigSources {
  std::optional<std::string> file = {};  // of --config; without it MILLRACE_CONFIG may name one
  Environment environment = {};          // all of it: what doesn't begin with MILLRACE_ is ignored
  std::vector<FlagValues> flags = {};
};

struct ConfigError {
  std::string text;  // one line: where, cause and fix, and no secret
  bool in_flags = false;
};

Result<Config, ConfigError> load_config(const ConfigSources& sources);

}  // namespace millrace

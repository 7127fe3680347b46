// The TOML file: read, parsed and turned into settings of known keys, in the order of its lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "net/server/config_keys.h"
#include "net/server/config_value.h"

namespace millrace {

inline constexpr std::size_t kMaxConfigFile = 1024 * 1024;  // bytes

struct FileSetting {
  const ConfigKey* key = nullptr;  // nullptr: `name_space` is named, and perhaps has no settings
  std::string name_space;          // of a namespace's key
  RawValue value;
  Source source;
};

struct FileSettings {
  std::vector<FileSetting> settings;
};

// Of what is wrong in the file, the error tells the first line. It never repeats a value that it
// can't name, because that may be a secret.
Result<FileSettings> parse_config_text(std::string_view text, std::string_view path);

// All of a file of at most `most` bytes, or in words why not: a larger one, a directory, one that
// can't be read.
Result<std::string> read_bounded_file(const std::string& path, std::size_t most);

// Reads at most kMaxConfigFile bytes; a larger file, a directory or an unreadable one is an error.
Result<std::string> read_config_file(const std::string& path);

}  // namespace millrace

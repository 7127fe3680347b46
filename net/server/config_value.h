// One value of one key: checked against its row of the table and stored. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "net/server/config_keys.h"

namespace millrace {

// Something that no key takes, by what it is called: "a floating-point number".
struct OtherValue {
  std::string what;

  bool operator==(const OtherValue&) const = default;
};

// What a source said, before it is known whether it fits.
using RawValue =
    std::variant<bool, std::int64_t, std::string, std::vector<std::string>, OtherValue>;

// What was meant by texts from the environment or the command line: a flag's values, one for each
// time it was given. REQUIRES: one text, or the key is a list.
RawValue raw_from_texts(const ConfigKey& key, const std::vector<std::string>& texts);

// Where a value comes from. A later rank wins.
enum class SourceRank : std::uint8_t { kDefault, kFile, kEnvironment, kFlag };
struct Source {
  SourceRank rank = SourceRank::kDefault;
  std::string place;  // "millrace.toml:12", "MILLRACE_SERVER_SHARDS" or "--shards"
};

// The error says where, which key, what was found, what is allowed, and an example. It holds no
// secret.
Result<void, Error> assign_value(const ConfigKey& key, const RawValue& raw, const Source& source,
                                 Target target);

}  // namespace millrace

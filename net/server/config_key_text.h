// What a row of the table of keys is called and what it may be, in words for people. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/server/config_keys.h"

namespace millrace {

bool is_list(ValueKind kind);
bool is_namespace_key(const ConfigKey& key);
// True if it may stand in a file.
bool is_file_key(const ConfigKey& key);
std::vector<std::string_view> choices_of(const ConfigKey& key);
// The parts of a list as it stands on the command line, without blanks around them; an empty text
// is an empty list.
std::vector<std::string> split_list(std::string_view text);

// "server.listen", "namespaces.NAME.interest" or "insecure".
std::string full_name(const ConfigKey& key);
// "MILLRACE_SERVER_LISTEN"; empty for a namespace's key, which stands in the file only.
std::string environment_name(const ConfigKey& key);

// What the key may be: "a whole number from 0 to 1024".
std::string allowed_text(const ConfigKey& key);
// `text`, a value as on the command line, as it stands in a TOML file: quoted, bare or a list.
std::string toml_text(const ConfigKey& key, std::string_view text);
// The value in `target` as on the command line; empty if there is none. A secret is never told.
std::string value_text(const ConfigKey& key, Target target);
// Whether the key has one value in both, secrets too.
bool same_value(const ConfigKey& key, Target a, Target b);

}  // namespace millrace

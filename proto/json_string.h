// Text from anywhere as a part of a JSON line.
#pragma once

#include <string>

#include "core/base/bytes.h"

namespace millrace {

// Appends `text` to `out` as a JSON string with its quotes, escaped (RFC 8259 section 7).
void append_json_string(std::string& out, Bytes text);

// Appends a JSON value as it is, but for line breaks between its tokens: a message is one line.
// REQUIRES: `json` is valid JSON.
void append_json_value(std::string& out, Bytes json);

}  // namespace millrace

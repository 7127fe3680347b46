#include "proto/json_string.h"

#include <array>
#include <cstddef>

namespace millrace {
namespace {

// What stands behind the backslash for a byte that needs one: a letter, or 'u' for its number.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> escapes{};
  for (std::size_t control = 0; control < 0x20; ++control) escapes[control] = 'u';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}();

}  // namespace

void append_json_string(std::string& out, Bytes text) {
  constexpr Bytes kHex = "0123456789abcdef";
  out.push_back('"');
  std::size_t plain = 0;  // where the bytes begin that need no escape
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const char escape = kEscapes[byte];
    if (escape == 0) continue;
    out.append(text.substr(plain, at - plain));
    plain = at + 1;
    out.push_back('\\');
    out.push_back(escape);
    if (escape != 'u') continue;
    out.append("00");
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 0x0f]);
  }
  out.append(text.substr(plain));
  out.push_back('"');
}

void append_json_value(std::string& out, Bytes json) {
  while (true) {
    const std::size_t line_break = json.find_first_of("\r\n");
    out.append(json.substr(0, line_break));
    if (line_break == Bytes::npos) return;
    json.remove_prefix(line_break + 1);
  }
}

}  // namespace millrace

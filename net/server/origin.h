// Origins of web pages, as browsers send them. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace millrace {

inline constexpr std::size_t kMaxOrigin = 512;  // bytes

// "scheme://host" or "scheme://host:port" as RFC 6454 section 6.2 serializes an origin (lower case,
// without the scheme's own port: another spelling would never be equal to a browser's), or "*".
bool is_origin(std::string_view text);

}  // namespace millrace

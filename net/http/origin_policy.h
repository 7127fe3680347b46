// Which pages may open a WebSocket here. Browsers send no preflight for one, so this list is all
// that keeps a strange page from acting with its visitor's reach (cross-site WebSocket hijacking).
#pragma once

#include <string>
#include <vector>

#include "core/base/bytes.h"

namespace millrace {

struct OriginPolicy {
  // Exact origins ("https://example.org"), compared as RFC 6454 serializes them; "*" allows all. No
  // suffixes, no patterns. A request without Origin (not a browser) is always allowed.
  std::vector<std::string> allowed;

  // Of an Origin field's value. Scheme and host compare without case, the port as it is written.
  [[nodiscard]] bool allows(Bytes origin) const;
};

}  // namespace millrace

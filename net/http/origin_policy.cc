#include "net/http/origin_policy.h"

#include <algorithm>

#include "net/http/head_check.h"

namespace millrace {

namespace {

// Scheme and host are all the letters that a serialized origin has (RFC 6454 section 6.2). "null"
// and what else has neither is compared as it is.
bool is_same_origin(Bytes origin, Bytes allowed) {
  if (origin.find("://") == Bytes::npos) return origin == allowed;
  return equals_ignoring_case(origin, allowed);
}

}  // namespace

bool OriginPolicy::allows(Bytes origin) const {
  return std::any_of(allowed.begin(), allowed.end(), [origin](const std::string& one) {
    return one == "*" || is_same_origin(origin, one);
  });
}

}  // namespace millrace

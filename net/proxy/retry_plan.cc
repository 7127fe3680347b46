#include "net/proxy/retry_plan.h"

#include <algorithm>

#include "core/base/assert.h"

namespace millrace {
namespace {

bool once_at_most(ProxyMethod method) {
  switch (method) {
    case ProxyMethod::kPublish:
    case ProxyMethod::kRpc:
    case ProxyMethod::kSend:
    case ProxyMethod::kDisconnect:
      return true;
    case ProxyMethod::kConnect:
    case ProxyMethod::kSubscribe:
    case ProxyMethod::kRefresh:
    case ProxyMethod::kSubRefresh:
      return false;
  }
  CHECK(false);
  return true;
}

}  // namespace

std::optional<Duration> RetryPlan::pause(ProxyMethod method, bool heard, std::uint32_t tries,
                                         std::uint32_t retries, Random& random) {
  CHECK_GT(tries, 0U);
  if (tries > retries || (heard && once_at_most(method))) return std::nullopt;
  Duration longest = kFirst;
  for (std::uint32_t i = 1; i < tries && longest < kLongest; ++i) longest = longest * 2;
  longest = std::min(longest, kLongest);
  return nanoseconds(
      static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(longest.ns) + 1)));
}

}  // namespace millrace

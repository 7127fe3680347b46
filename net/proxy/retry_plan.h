// Whether a question to the application is asked again, and after how long. Pure.
//
// What nobody has heard (there are no responders, or it never left) can be asked again whatever it
// is. What may have been heard (no answer in time, the connection was lost) is asked again only
// where asking twice does no harm: publish and rpc are the application's deeds, and done at most
// once. The pause is full jitter: any time up to kFirst, doubled with each try, at most kLongest.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/random.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/instant.h"

namespace millrace {

class RetryPlan {
 public:
  static constexpr Duration kFirst = milliseconds(25);
  static constexpr Duration kLongest = seconds(1);

  // `tries` were made so far, at least one. Nothing: not again.
  static std::optional<Duration> pause(ProxyMethod method, bool heard, std::uint32_t tries,
                                       std::uint32_t retries, Random& random);
};

}  // namespace millrace

// What of its clients' doings the application is asked about, and how patiently. Constant values; a
// new configuration makes new ones, and shards are given them (net/server/reload.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/metrics/shard_metrics.h"
#include "core/time/instant.h"

namespace millrace {

struct ProxyMethodSettings {
  bool on = false;
  Duration timeout = seconds(1);  // of one try
  std::uint32_t retries = 1;      // beyond the first try (retry_plan.h)

  bool operator==(const ProxyMethodSettings&) const = default;
};

struct ProxySettings {
  std::array<ProxyMethodSettings, kProxyMethods> methods{};
  std::uint32_t requests = 4'096;  // out at once, of one shard
  std::uint32_t breaker_failures = 5;
  Duration breaker_pause = seconds(1);
  std::vector<std::string> headers = {};  // of the upgrade, told with connect

  [[nodiscard]] const ProxyMethodSettings& of(ProxyMethod method) const {
    return methods[static_cast<std::size_t>(method)];
  }
  bool operator==(const ProxySettings&) const = default;
};

}  // namespace millrace

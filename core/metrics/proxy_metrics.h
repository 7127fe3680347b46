// The counters of what the application behind the server is asked (shard_metrics.h), summed and
// written down. Pure; registry.cc puts it among the others.
#pragma once

#include <string>

#include "core/metrics/shard_metrics.h"

namespace millrace {

void add_proxy(ShardMetrics& sum, const ShardMetrics& shard);
std::string proxy_text(const ShardMetrics& sum);

}  // namespace millrace

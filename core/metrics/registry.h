// The names of the counters, and their text forms: Prometheus (text format 0.0.4) and JSON.
//
// Works on snapshots of ShardMetrics; nothing here is on a path.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/metrics/shard_metrics.h"

namespace millrace {

// Every counter summed over the shards, gauges too (but for those of which the largest counts).
ShardMetrics sum_of(std::span<const ShardMetrics> shards);

// `# HELP` and `# TYPE` and one sample a counter, summed; labels only where there is a reason or a
// code.
std::string prometheus_text(std::span<const ShardMetrics> shards);

// What is true of the process or the machine, not of a shard; what is not known has no sample.
struct ProcessMetrics {
  std::uint64_t max_connections = 0;
  std::string deciding_limit;  // label `limit`
  std::optional<std::uint64_t> open_fds;
  std::uint64_t max_fds = 0;
  std::optional<std::uint64_t> direct_slots_used, direct_slots;
  std::optional<std::uint64_t> system_files_open, system_files_max;
};

// In the same form as prometheus_text(), to stand behind it.
std::string process_text(const ProcessMetrics& process);

// The same for what is counted about shards from outside: stalls, one number a shard.
std::string shard_stalls_text(std::span<const std::uint64_t> stalls);

// {"name":value,...} of one set of counters, without labels' parts.
std::string json_text(const ShardMetrics& metrics);

}  // namespace millrace

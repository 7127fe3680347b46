// The lines of Prometheus' text format, as registry.cc and what has files of its own write them.
// Pure; of no shard. No limits: names, helps and labels are ours.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

inline void metric_head(std::string& out, Bytes name, Bytes help, Bytes type) {
  out.append("# HELP millrace_").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE millrace_").append(name).append(" ").append(type).append("\n");
}

inline void metric_sample(std::string& out, Bytes name, const std::string& labels,
                          std::uint64_t value) {
  out.append("millrace_").append(name).append(labels).append(" ");
  out.append(std::to_string(value)).append("\n");
}

}  // namespace millrace

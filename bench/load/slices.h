// How the clients are spread over threads, each with a ring and a table of sockets. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/load/options.h"
#include "core/base/result.h"

namespace millrace::load {

// A worker's part of the whole; constant.
struct Slice {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t connecting = 1;   // at once
  double connect_rate = 0;        // a second; 0: no pace
  bool publisher = false;         // it has the publisher, and no other client
  std::uint32_t buffers = 1'024;  // receive buffers, a power of two
  bool direct = true;             // UringOptions::direct

  // Sockets: a client that comes back may find its old one still on its way out.
  static constexpr std::uint32_t kSpareSockets = 64;
  [[nodiscard]] std::uint32_t sockets() const { return count + connecting + kSpareSockets; }
};

struct MachineLimits {
  std::uint64_t descriptors = 1'024;  // RLIMIT_NOFILE
  bool direct = true;                 // sockets live in a ring's table, not among these
  std::size_t cores = 1;
};

// Where sockets live in rings' tables each has room for RLIMIT_NOFILE, so more clients than that
// take more threads than were asked for. Elsewhere all share the limit, and the error says what it
// would have to be. The publisher's slice, if there is one, is the last.
Result<std::vector<Slice>> plan_slices(const Options& options, const MachineLimits& machine);

// Whether a run publishes through a connection that has no other use.
bool needs_publisher(const Options& options);

}  // namespace millrace::load

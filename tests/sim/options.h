// What a seed decides before anything happens: how many of everything, which limits, which faults
// and how often (swarm testing: most seeds leave some faults out, so that others are seen alone).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "net/server/client_shard.h"
#include "tests/sim/faults.h"

namespace millrace::sim {

struct SimOptions {
  std::uint64_t seed = 0;
  std::size_t shards = 2;
  bool nats = false;
  std::size_t clients = 10;
  std::size_t publishers = 2;  // of the server API
  std::size_t channels = 4;
  std::uint32_t queue_entries = 64;  // of a submission queue
  std::uint64_t max_connections = 1'000;
  std::size_t lane_capacity = 4'096;  // messages from one shard to another
  std::uint64_t chaos_events = 5'000;
  bool drain_in_chaos = false;  // else the faults end before
  bool hurry = false;           // a second signal comes while it drains
  bool streams = false;         // some channels keep history and presence
  bool steady = false;          // and there is room and time for all of it
  bool tokens = false;          // clients must say who they are
  ClientShardOptions shard;
  Faults::Rates rates{};
};

inline constexpr const char* kTokenSecret = "the secret of a simulated application";

SimOptions draw_options(std::uint64_t seed);

// For a trace: one line a group.
std::string describe(const SimOptions& options);

}  // namespace millrace::sim

// How many connections the limits of the machine hold, and how many sockets each shard may have.
//
// Where the kernel can close direct descriptors, each shard's sockets stand in a table of its own;
// elsewhere all are descriptors of the process and share its limit with whatever else it opens
// (core/ring/socket_files.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/result.h"
#include "net/server/config.h"

namespace millrace {

struct SocketPlan {
  std::uint64_t max_connections = 0;  // of all shards
  std::uint32_t files = 0;            // client sockets of each shard
};

// `descriptors` is RLIMIT_NOFILE. The error is one line, cause and fix.
Result<SocketPlan> plan_sockets(const Config& config, std::size_t client_shards,
                                std::uint64_t descriptors, bool direct);

// How many connections `shards` file tables of `files` slots hold without any of them running over:
// the kernel spreads connections by hash, so a table keeps room for six standard deviations.
std::uint64_t ring_capacity(std::size_t shards, std::uint64_t files, std::uint64_t reserved);

// What one more shard takes of the process's descriptors besides its connections.
std::uint64_t shard_descriptors(const Config& config);

// How many connections are left where sockets are descriptors of the process, and `a_shard` of them
// are taken by each shard.
std::uint64_t process_capacity(std::size_t shards, std::uint64_t descriptors,
                               std::uint64_t a_shard);

// How many connections the descriptors hold, as plan_sockets() takes them; 0 if the server can't
// even start.
std::uint64_t socket_capacity(const Config& config, std::size_t client_shards,
                              std::uint64_t descriptors, bool direct);

// The least RLIMIT_NOFILE that holds so many connections; 0 if only more shards would.
std::uint64_t descriptors_for(const Config& config, std::size_t client_shards,
                              std::uint64_t connections, bool direct);

// Descriptors of the process besides those of clients, with a reserve for what libraries open.
std::uint64_t own_descriptors(const Config& config, std::size_t client_shards, bool direct);

}  // namespace millrace

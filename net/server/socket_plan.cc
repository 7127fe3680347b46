#include "net/server/socket_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "net/server/admin_shard.h"
#include "net/server/client_shard.h"

namespace millrace {
namespace {

constexpr std::uint64_t kMaxRingFiles = 1'048'576;  // the kernel's limit, io_uring/rsrc.c
constexpr std::uint64_t kDeviations = 6;
constexpr std::uint64_t kOwnDescriptors = 64;   // standard streams, what libraries open
constexpr std::uint64_t kShardDescriptors = 3;  // its ring, its wake-ups, one that comes and goes
constexpr std::uint64_t kNatsDescriptors = 4;   // the connection, and what a resolver opens
constexpr std::uint64_t kAdminDescriptors =     // the last is its listener
    AdminShard::kFiles + kShardDescriptors + 1;

constexpr const char* kSystemd = "ulimit -n, systemd: LimitNOFILE=";

// Of the process, whatever the number of shards.
constexpr std::uint64_t kFixedDescriptors = kOwnDescriptors + kAdminDescriptors;

// With how many shards as many connections fit; 0 if with none.
std::uint64_t most_shards(std::uint64_t descriptors, std::uint64_t connections,
                          std::uint64_t a_shard) {
  const std::uint64_t others = kFixedDescriptors + connections;
  return descriptors > others ? (descriptors - others) / a_shard : 0;
}

// Of one shard: a ring's table is bounded by the kernel, a number of a descriptor by its type.
std::uint64_t files_of_a_shard(std::uint64_t descriptors, bool direct) {
  return std::min<std::uint64_t>(descriptors, direct ? kMaxRingFiles : INT32_MAX);
}

std::string shards_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " shard" : " shards");
}

Error too_many_for_tables(std::uint64_t wanted, std::size_t shards, std::uint64_t capacity,
                          std::uint64_t descriptors) {
  return Error{"max_connections " + std::to_string(wanted) +
               " does not fit: " + shards_text(shards) + (shards == 1 ? " holds " : " hold ") +
               std::to_string(capacity) + " with RLIMIT_NOFILE " + std::to_string(descriptors) +
               "; raise it (" + kSystemd + "), add shards (--shards) or lower the cap"};
}

// Other than a table's, this limit is shared: a shard more leaves less for connections.
Error too_many_for_process(std::uint64_t wanted, std::size_t shards, std::uint64_t capacity,
                           std::uint64_t descriptors, std::uint64_t a_shard) {
  const std::uint64_t least = std::max<std::uint64_t>(wanted, 1);
  const std::uint64_t most = most_shards(descriptors, least, a_shard);
  const std::string needed = std::to_string(kFixedDescriptors + shards * a_shard + least);
  std::string text = capacity == 0
                         ? "no descriptor is left for clients: "
                         : "max_connections " + std::to_string(wanted) + " does not fit: ";
  text += shards_text(shards) + (shards == 1 ? " holds " : " hold ") + std::to_string(capacity) +
          " with RLIMIT_NOFILE " + std::to_string(descriptors) +
          ", which all connections share before Linux 6.13 (a shard takes " +
          std::to_string(a_shard) + " besides them, the rest of the server " +
          std::to_string(kFixedDescriptors) + "); raise it to " + needed + " or more (" + kSystemd +
          ")";
  if (most > 0) text += ", run " + shards_text(most) + " at most (--shards)";
  if (capacity > 0) text += ", or lower the cap";
  return Error{text};
}

}  // namespace

std::uint64_t ring_capacity(std::size_t shards, std::uint64_t files, std::uint64_t reserved) {
  if (files <= reserved) return 0;
  const std::uint64_t room = files - reserved;
  if (shards == 1) return room;
  // m + 6 sqrt(m) <= room, solved for m.
  const double deviations = static_cast<double>(kDeviations);
  const double root =
      (std::sqrt(deviations * deviations + 4.0 * static_cast<double>(room)) - deviations) / 2.0;
  return shards * static_cast<std::uint64_t>(root * root);
}

std::uint64_t shard_descriptors(const Config& config) {
  const bool nats = config.broker.kind == BrokerKind::kNats;
  return ClientShard::kRefusalSlots + kShardDescriptors + config.server.listen.size() +
         (nats ? kNatsDescriptors : 0);
}

std::uint64_t process_capacity(std::size_t shards, std::uint64_t descriptors,
                               std::uint64_t a_shard) {
  const std::uint64_t others = kFixedDescriptors + shards * a_shard;
  return descriptors > others ? descriptors - others : 0;
}

std::uint64_t socket_capacity(const Config& config, std::size_t client_shards,
                              std::uint64_t descriptors, bool direct) {
  const std::uint64_t files = files_of_a_shard(descriptors, direct);
  if (!direct) return process_capacity(client_shards, files, shard_descriptors(config));
  if (files < AdminShard::kFiles) return 0;
  return ring_capacity(client_shards, files, ClientShard::kRefusalSlots);
}

std::uint64_t descriptors_for(const Config& config, std::size_t client_shards,
                              std::uint64_t connections, bool direct) {
  const std::uint64_t own = own_descriptors(config, client_shards, direct);
  if (!direct) return own + connections;
  // Between none that fits and the most that a table takes.
  std::uint64_t low = std::max<std::uint64_t>(own, AdminShard::kFiles) - 1;
  std::uint64_t high = kMaxRingFiles;
  const auto holds = [&](std::uint64_t files) {
    return socket_capacity(config, client_shards, files, true) >= connections;
  };
  if (!holds(high)) return 0;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (holds(middle) ? high : low) = middle;
  }
  return high;
}

std::uint64_t own_descriptors(const Config& config, std::size_t client_shards, bool direct) {
  if (!direct) return kFixedDescriptors + client_shards * shard_descriptors(config);
  // Of the sockets only the listeners are the process's, and those of NATS.
  return kOwnDescriptors + kShardDescriptors + 1 +
         client_shards * (shard_descriptors(config) - ClientShard::kRefusalSlots);
}

Result<SocketPlan> plan_sockets(const Config& config, std::size_t client_shards,
                                std::uint64_t descriptors, bool direct) {
  const std::uint64_t files = files_of_a_shard(descriptors, direct);
  if (direct && files < AdminShard::kFiles) {
    const std::string least = std::to_string(AdminShard::kFiles);
    return Error{"RLIMIT_NOFILE " + std::to_string(descriptors) +
                 " is too low for the admin port, "
                 "whose table of sockets takes " +
                 least +
                 " whatever the number of shards; "
                 "raise it to 1024 or more (" +
                 kSystemd + ")"};
  }
  const std::uint64_t a_shard = shard_descriptors(config);
  const std::uint64_t capacity = socket_capacity(config, client_shards, descriptors, direct);
  const std::uint64_t wanted = config.server.max_connections;
  if (wanted > capacity || capacity == 0) {
    if (direct) return too_many_for_tables(wanted, client_shards, capacity, descriptors);
    return too_many_for_process(wanted, client_shards, capacity, descriptors, a_shard);
  }
  const std::uint64_t cap = wanted != 0 ? wanted : capacity;
  return SocketPlan{cap,
                    static_cast<std::uint32_t>(std::min(files, cap + ClientShard::kRefusalSlots))};
}

}  // namespace millrace

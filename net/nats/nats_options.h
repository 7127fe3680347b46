// What a shard's NATS connection is told. Constant after construction.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/nats/nats_security.h"

namespace millrace {

inline constexpr std::size_t kMaxNatsLaneRequests = std::size_t{1} << 20;

struct NatsOptions {
  std::vector<std::string> urls;  // nats://host:port
  // Which of the URLs is tried first, and in which order the others (server_order.h): shards that
  // count it up spread over the servers.
  std::size_t spread = 0;
  NatsSecurity security;
  std::string subject_prefix;                  // "" or tokens (subject_prefix_valid())
  std::vector<std::string> prefix_namespaces;  // namespaces with interest = "prefix"
  std::string name = "millrace";               // of the connection, for the server's /connz
  // Whether publications of a channel are any bytes, and not JSON; without it none are. Asked on
  // the shard's thread while the broker lives, because namespaces change at run time.
  std::function<bool(Bytes channel)> takes_any_bytes = {};
  // Both limits hold for what has arrived from NATS and the shard has not handled yet.
  std::size_t inbox_messages = 65'536;
  std::size_t inbox_bytes = 64 * 1024 * 1024;  // of payload
  // Both limits hold for requests to NATS that are not answered yet.
  std::size_t lane_requests = 16'384;
  std::size_t lane_bytes = 16 * 1024 * 1024;  // of payload
  std::size_t max_payload = 1024 * 1024;      // of one publication; larger is dropped, counted
  int connect_timeout_ms = 2'000;
  int flush_timeout_ms = 2'000;   // also the write deadline
  int reconnect_wait_ms = 250;    // plus up to as much jitter
  int ping_interval_ms = 10'000;  // two unanswered: the connection is dead
  int wait_connected_ms = 0;      // how long make() waits for the first connection
};

// What could not work with any server is said at the start, with its fix.
Result<void> check_nats_options(const NatsOptions& options);

}  // namespace millrace

// Why a server is not ready, told apart: what /readyz answers.
//
//   draining   it was asked to end
//   starting   a shard has not run yet, or NATS was never reached since the start
//   cap        it holds as many connections as it may
//   memory     there was none left, and newcomers are refused until there is again
//   stuck      a shard does not answer
//   broker     NATS was there and is away, for kBrokerGrace: a connection that is made again at
//   once
//              is nobody's business
//
// Pure: facts in, causes out; the admin shard gathers them. A cause has a fix for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time/instant.h"

namespace millrace {

// What is known of a client shard.
struct ShardReadiness {
  bool answers = true;
  bool has_run = true;  // at all
  std::string stuck;    // at what, if the watchdog says so
  bool broker_ready = true;
  bool broker_was_ready = true;  // at least once since the start
  Duration broker_away{};
  std::string broker_cause = {};
};

struct ReadinessFacts {
  bool draining = false;
  bool memory_is_out = false;
  bool ready_at_cap = false;  // `[server] ready_at_cap`
  std::uint64_t connections = 0;
  std::uint64_t max_connections = 0;
  std::string deciding_limit;  // of max_connections
  std::vector<ShardReadiness> shards;
};

struct NotReady {
  std::string cause;  // one of the words above
  std::string what;
  std::string fix;
};

// How long NATS may be away before that is a cause.
inline constexpr Duration kBrokerGrace = seconds(5);
// A shard that stands still for so long will not go on by itself: /healthz says so.
inline constexpr Duration kDeadAfter = seconds(10);

// In the order above; nothing: it is ready.
std::vector<NotReady> find_causes(const ReadinessFacts& facts);

// "not ready", and two lines a cause: "stuck: shard 3 does not answer ..", "  fix: ..".
std::string readiness_text(const std::vector<NotReady>& causes);
// {"ready":false,"causes":[{"cause":"stuck","what":"..","fix":".."}]}
std::string readiness_json(const std::vector<NotReady>& causes);

}  // namespace millrace

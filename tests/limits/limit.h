// A limit, and how to find out what becomes of n: the rows of the table that tests at L-1, L, L+1.
//
// A row calls the code that ships and says in one word what happened: nothing is an acceptance,
// anything else names the refusal. `covers` holds the names in the sources that the row stands for;
// limits_test.cc fails on a name that no row covers.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace millrace {

enum class Edge : std::uint8_t {
  kMost,      // L is the most that is accepted
  kLeast,     // L is the least that is accepted
  kDeadline,  // what has not happened by L is too late at L
};

struct Limit {
  std::string name;  // as a reader looks for it
  std::vector<std::string> covers =
      {};                   // "limits.queue_size", "HttpLimits.fields", "origin.h:kMaxOrigin"
  std::uint64_t value = 0;  // L
  std::string unit = {};
  std::string refusal;  // what attempt() says beyond L, in the words of its room
  std::function<std::string(std::uint64_t)> attempt;
  Edge edge = Edge::kMost;
  std::uint64_t step = 1;  // to the next value that can be
};

inline std::ostream& operator<<(std::ostream& out, const Limit& limit) { return out << limit.name; }

// The refusal of the rows that are made of the configuration's keys.
inline constexpr const char* kKeyRefused = "exit 78";

using Limits = std::vector<Limit>;

// One function a room.
Limits frame_limits();
Limits http_limits();
Limits session_limits();
Limits connection_limits();
Limits admission_limits();
Limits time_limits();
Limits name_limits();
Limits config_limits();
Limits nats_limits();
Limits jet_limits();
Limits admin_limits();
Limits core_limits();
Limits drain_limits();
Limits history_limits();
Limits presence_limits();
Limits fair_use_limits();
Limits token_limits();
Limits flat_limits();
Limits client_limits();
Limits proxy_limits();
Limits node_limits();
Limits api_limits();

// All of them.
Limits all_limits();

// "" if `accepted`, else `refusal`.
inline std::string unless(bool accepted, const std::string& refusal) {
  return accepted ? std::string() : refusal;
}

}  // namespace millrace

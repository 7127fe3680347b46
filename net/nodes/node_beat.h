// A node's sign of life, and what it tells of itself with it. As JSON, for people who watch:
//
//   {"id":"6b1f...","beat":12,"name":"mill-1","version":"0.6.0","shards":4,"clients":1200,
//    "users":900,"channels":77,"subscriptions":4000,"uptime":3600}
//
// and, the last one of a run, `"goodbye":true` in it. Unknown members are ignored.
//
// Limits: kMaxNodeBeat of a body, kMaxNodeText of a name and of a version. Errors: what comes from
// NATS is anybody's; what is not a beat is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/time/instant.h"
#include "net/nodes/node_id.h"
#include "proto/json_fields.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr std::size_t kMaxNodeBeat = 2'048;  // bytes
inline constexpr std::size_t kMaxNodeText = 128;    // bytes

// Numbers are of all its shards together, at most about a second old.
struct NodeFacts {
  std::string name = {};  // `[server] name`, for people; not unique
  std::string version = {};
  std::uint64_t shards = 0;
  std::uint64_t clients = 0;
  std::uint64_t users = 0;     // a shard each counts its own
  std::uint64_t channels = 0;  // the same
  std::uint64_t subscriptions = 0;
  Duration uptime{};
  bool operator==(const NodeFacts&) const = default;
};

struct NodeBeat {
  NodeId id;
  std::uint64_t number = 0;  // grows by one a beat
  bool goodbye = false;      // it ends
  NodeFacts facts = {};
  bool operator==(const NodeBeat&) const = default;
};

// REQUIRES: name and version are UTF-8 of at most kMaxNodeText bytes.
std::string node_beat_json(const NodeBeat& beat);

// Owner: one a shard and use.
class NodeBeatReader {
 public:
  // Nothing if `body` is no beat.
  [[nodiscard]] std::optional<NodeBeat> read(Bytes body);

 private:
  JsonValidator validator_;
  JsonFieldReader fields_;
};

}  // namespace millrace

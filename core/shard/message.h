// What crosses from one shard to another: whole values that are moved, never a pointer into a
// shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "core/base/bytes.h"
#include "core/metrics/shard_metrics.h"

namespace millrace {

// To the shard that owns the channel: bring this to all who have interest.
struct PublishRequest {
  OwnedBytes channel, data, user, client;
  std::uint64_t token = 0;
};
// Back to the shard that published.
struct PublishAck {
  std::uint64_t token = 0;
};
// To the owner: this shard has its first subscriber, or has lost its last.
struct InterestChange {
  OwnedBytes channel;
  std::uint64_t token = 0;
  bool added = false;
};
// From the owner: from now on every publication reaches you.
struct InterestAck {
  OwnedBytes channel;
  std::uint64_t token = 0;
};
// From the owner to a shard with interest.
struct Delivery {
  OwnedBytes channel, data, user, client;
};
// From the admin shard: send your counters.
struct SnapshotRequest {
  std::uint64_t id = 0;
};
struct ShardSnapshot {
  ShardMetrics metrics;
  bool broker_ready = true;
  std::string broker_cause;
};
struct SnapshotReply {
  std::uint64_t id = 0;
  std::unique_ptr<ShardSnapshot> snapshot;
};

using Message = std::variant<std::monostate, PublishRequest, PublishAck, InterestChange,
                             InterestAck, Delivery, SnapshotRequest, SnapshotReply>;

}  // namespace millrace

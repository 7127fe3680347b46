// What crosses from one shard to another: whole values that are moved, never a pointer into a
// shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/hub/presence.h"
#include "core/hub/stream.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/instant.h"

namespace millrace {

// To the shard that owns the channel: keep this if its options say so, and bring it to all who have
// interest. `info` is packed (core/hub/client_info.h).
struct PublishRequest {
  OwnedBytes channel, data, info;
  StreamOptions options;
  std::uint64_t token = 0;
  bool skips_history = false;
};
// Back to the shard that published.
struct PublishAck {
  std::uint64_t token = 0;
  StreamPosition position = {};
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
  OwnedBytes channel, data, info;
  StreamPosition position;
};
// To the owner: what do you keep of it, or drop what you keep.
struct HistoryRequest {
  OwnedBytes channel;
  HistoryQuery query = {};
  StreamOptions options = {};
  std::uint64_t token = 0;
  std::uint64_t bytes_taken = 0;  // of all answers of this owner so far
  bool remove = false;
};
// Back to the shard that asked: a HistoryPage, its publications packed (core/hub/history_bytes.h).
struct HistoryAnswer {
  std::uint64_t token = 0;
  StreamPosition top = {};
  OwnedBytes publications = {};
  HistoryOutcome outcome = HistoryOutcome::kOk;
  bool complete = false;
};
// To the owner: somebody has come to a channel, or gone from it. `member` is packed.
struct MemberChange {
  OwnedBytes channel, member;
  PresenceOptions options;
  bool added = false;
};
// To the owner: who is there.
struct PresenceRequest {
  OwnedBytes channel;
  std::uint64_t token = 0;
  std::uint64_t bytes_taken = 0;  // of all answers of this owner so far
  bool counts_only = false;
  bool this_node = false;  // whatever other nodes there are; counts then come with `users`
};
// Back to the shard that asked: a PresencePage, its members packed (core/hub/presence_bytes.h).
struct PresenceAnswer {
  std::uint64_t token = 0;
  bool available = true;
  PresenceCounts counts = {};
  OwnedBytes members = {};
  std::vector<std::uint64_t> users = {};  // digests of their ids, if there are not too many
};
// From the owner to a shard with interest; packed.
struct PresenceNews {
  OwnedBytes channel, changes;
};
// To the shard that speaks for the node among nodes: what this one has now.
struct NodeCounts {
  std::uint64_t clients = 0, channels = 0, subscriptions = 0;
  bool operator==(const NodeCounts&) const = default;
};
// To all shards with clients: some tokens are good no longer. `what` and the times are
// net/auth/revocations.h's; `now` is the calendar's of the shard that was told, and so the same for
// all.
struct RevokeOrder {
  std::uint8_t what = 0;
  std::string name;
  std::int64_t before = 0;
  std::int64_t until = 0;
  std::int64_t now = 0;
};
// To all shards with clients: carry out your share of a call of the server API. `params` is its
// body, `method` net/api/api_method.h's.
struct ApiOrder {
  std::uint64_t call = 0;
  std::uint8_t method = 0;
  OwnedBytes params;
};
// Back to the shard that asked; one or more for each order.
struct ApiShare {
  std::uint64_t call = 0;
  bool last = true;         // nothing of this part of the order follows
  std::uint32_t error = 0;  // an ErrorCode; 0: none
  std::uint64_t clients = 0, subscriptions = 0;
  std::vector<std::uint64_t> users = {}, channels = {};           // hashes of their names
  std::vector<std::pair<OwnedBytes, std::uint64_t>> listed = {};  // channels and their clients
};
// To the shard that a channel's name hashes to: publish this, once for each key and channel.
struct KeyedPublish {
  std::uint64_t call = 0;
  OwnedBytes channel, data, key;
  StreamOptions options;
  bool skips_history = false;
};
// Back to the shard that asked.
struct KeyedPublished {
  std::uint64_t call = 0;
  std::uint32_t error = 0;  // an ErrorCode; 0: none
  StreamPosition position = {};
};
// From the admin shard: send your counters.
struct SnapshotRequest {
  std::uint64_t id = 0;
};
struct ShardSnapshot {
  ShardMetrics metrics;
  bool broker_ready = true;
  bool broker_was_ready = true;  // at least once since the start
  Duration broker_away = {};
  std::string broker_cause;
};
struct SnapshotReply {
  std::uint64_t id = 0;
  std::unique_ptr<ShardSnapshot> snapshot;
};

using Message =
    std::variant<std::monostate, PublishRequest, PublishAck, InterestChange, InterestAck, Delivery,
                 HistoryRequest, HistoryAnswer, MemberChange, PresenceRequest, PresenceAnswer,
                 PresenceNews, NodeCounts, RevokeOrder, ApiOrder, ApiShare, KeyedPublish,
                 KeyedPublished, SnapshotRequest, SnapshotReply>;

}  // namespace millrace

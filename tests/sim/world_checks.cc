// What must be so when all is still, and when all is over.
#include <algorithm>

#include "tests/sim/sim_client.h"
#include "tests/sim/world.h"

namespace millrace::sim {
namespace {

constexpr Duration kLook = seconds(3);
constexpr int kAnswerSteps = 1'000;  // of a millisecond

}  // namespace

// Everything is still, and everybody must be told the same.
void World::look() {
  if (!options_.streams) return;
  trace_.say("world", "the look begins");
  settled_ = true;
  for (const auto& client : clients_) client->look();
  run_until(scheduler_.now() + kLook);
  check_settled();
  for (const auto& [id, what] : suspicions_) {
    if (!is_gone(id)) finding(what);
  }
  settled_ = false;
}

// Who has lost its channel's position comes back at any time, perhaps just now.
void World::check_settled() {
  const auto asks = [](const auto& client) { return client->asks(); };
  for (int i = 0; i < kAnswerSteps && std::ranges::any_of(clients_, asks); ++i) {
    run_until(scheduler_.now() + milliseconds(1));
  }
  for (const auto& client : clients_) client->check_settled();
}

bool World::presence_complete() const {
  for (const Node& node : nodes_) {
    if (node.shard->metrics().presence_refused_total > 0) return false;
  }
  return true;
}

bool World::announcements_complete() const {
  for (const Node& node : nodes_) {
    const ShardMetrics& metrics = node.shard->metrics();
    if (metrics.presence_changes_dropped_total + metrics.broker_dropped_full_total > 0)
      return false;
  }
  return true;
}

bool World::is_gone(const std::string& id) {
  constexpr Duration kToldWithin = seconds(11);
  static_assert(kToldWithin >
                PresenceTable::kLeaveDelay + PresenceTable::kAnnounceInterval + kLook);
  const auto found = gone_.find(id);
  return found != gone_.end() && scheduler_.now() - found->second < kToldWithin;
}

void World::check_presence(const std::string& channel, const std::string& whom,
                           const std::set<std::string>& there) {
  std::set<std::string> in;
  std::set<std::string> leaving;  // or gone, and its shard may not know
  for (const auto& client : clients_) {
    if (client->in(channel)) {
      in.insert(client->client_id());
    } else if (client->connected() && !client->live()) {
      leaving.insert(client->client_id());
    }
  }
  for (const std::string& id : in) {
    if (!there.contains(id)) suspect(id, whom + " was not told that " + id + " is in " + channel);
  }
  for (const std::string& id : there) {
    if (in.contains(id) || leaving.contains(id)) continue;
    suspect(id, whom + " was told that " + id + " is in " + channel);
  }
}

void World::end_checks() {
  std::uint64_t dropped = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    const ShardMetrics& metrics = node.shard->metrics();
    CHECK_EQ(node.ring->open_slots(), 0U);
    CHECK_EQ(node.ring->in_flight(), 0U);
    CHECK_EQ(node.ring->free_buffers(), std::size_t{options_.shard.recv_buffers});
    CHECK_EQ(metrics.connections, 0U);
    CHECK_EQ(metrics.clients, 0U);
    CHECK_EQ(metrics.channels, 0U);
    CHECK_EQ(metrics.subscriptions, 0U);
    CHECK_EQ(metrics.queued_bytes, 0U);
    dropped += metrics.broker_dropped_full_total;
    for (const std::uint64_t evicted : metrics.history_evicted_total) {
      deeds_.count(Deed::kEvicted, evicted);
    }
    // In memory nothing comes twice, so nothing need be kept from clients.
    if (!options_.nats) CHECK_EQ(metrics.publications_repeated_total, 0U);
    if (options_.steady) {
      CHECK_EQ(metrics.history_streams_evicted_total, 0U);
      CHECK_EQ(metrics.presence_refused_total, 0U);
    }
    if (options_.nats) {
      CHECK_EQ(metrics.nats_subscriptions, 0U);
      // What is dropped once the loop has ended nobody counts any more.
      if (!options_.drain_in_chaos) {
        CHECK_GE(metrics.broker_dropped_full_total, nats_.dropped(i));
      }
      CHECK_LE(metrics.broker_outages_total, nats_.disconnects(i));
    }
    node.shard->hub().validate();
  }
  if (!options_.nats && oracle_.explained_holes() > dropped) {
    finding(std::to_string(oracle_.explained_holes()) + " publications were lost, and " +
            std::to_string(dropped) + " are counted as dropped");
  }
  CHECK_EQ(shared_.connections.taken(), 0U);
  // Their destructors check what is lent.
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    set_this_shard(ShardId{static_cast<std::uint16_t>(i)});
    nodes_[i].shard.reset();
  }
  set_this_shard(ShardId{kNoShard});
}

}  // namespace millrace::sim

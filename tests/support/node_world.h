// Nodes of a cluster in one thread: each of two shards with its ClusterNode and broker, on a NATS
// server that is played. Time is moved by turn().
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/broker/cluster_broker.h"
#include "net/nodes/cluster_node.h"
#include "tests/support/played_nats.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {

// Writes down what its broker tells.
struct NodeShard final : MessageHandler, BrokerEvents {
  struct Answer {
    bool available = false;
    PresenceCounts counts = {};
    std::map<std::string, std::string> members = {};  // users by client
  };

  NodeShard(MailboxNetwork& network, ShardId id, const NodeIdentity& identity,
            const NatsOptions& options, const PresenceLimits& limits, PlayedNats& nats, Instant now)
      : mailbox(network, id, waker), timers(now), random(id.value + identity.name.size()) {
    mailbox.set_handler(*this);
    auto made = std::make_unique<PlayedLink>(waker);
    link = made.get();
    nats.add(*link);
    port = std::make_unique<NatsPort>(options, std::move(made), timers, random, metrics);
    node = std::make_unique<ClusterNode>(
        ClusterNodeParts{*port, mailbox, timers, random, *this, metrics}, identity,
        network.shards(), limits);
    broker = std::make_unique<ClusterBroker>(
        *port, std::make_unique<NatsBroker>(*port, *this, metrics), nullptr, node->presence());
  }

  void on_message(ShardId from, Message& message, Instant now) override {
    CHECK(node->on_message(from, message, now));
  }
  void on_position(Bytes, const StreamPosition&) override {}
  void on_publication(const Publication& publication) override {
    heard.emplace_back(publication.data);
  }
  void on_presence_changes(Bytes channel, std::span<const PresenceChange> changes) override {
    for (const PresenceChange& change : changes) {
      news.push_back(std::string(channel) + (change.joined ? " +" : " -") +
                     std::string(change.member.client));
      infos.emplace_back(change.member.conn_info);
    }
  }
  void on_interest_ready(Bytes, InterestToken) override {}
  void on_published(RequestToken, PublishOutcome, const StreamPosition&) override {}
  void on_history(RequestToken token, const HistoryPage& page) override {
    if (page.outcome == HistoryOutcome::kUnavailable) unavailable.push_back(token);
  }
  void on_presence(RequestToken token, const PresencePage& page) override {
    Answer answer{page.available, page.counts, {}};
    for (const ClientInfo& member : page.members) {
      answer.members.emplace(std::string(member.client), std::string(member.user));
    }
    CHECK(answers.emplace(token, std::move(answer)).second);  // exactly once
  }

  // Asks; the answer comes with a turn.
  RequestToken ask(Bytes channel, bool counts_only, Instant now) {
    broker->read_presence(channel, counts_only, ++last_token, now);
    return last_token;
  }

  EventRing ring;
  Waker waker{ring};
  ShardMetrics metrics;
  Mailbox mailbox;
  TimerWheel timers;
  Random random;
  PlayedLink* link = nullptr;
  std::unique_ptr<NatsPort> port;
  std::unique_ptr<ClusterNode> node;
  std::unique_ptr<ClusterBroker> broker;
  std::map<RequestToken, Answer> answers;
  RequestToken last_token = 0;
  std::vector<std::string> heard, news, infos;
  std::vector<RequestToken> unavailable;
};

class NodeWorld {
 public:
  static constexpr std::size_t kShards = 2;

  struct Node {
    Node(NodeWorld& world, std::string name, std::size_t lane)
        : identity{NodeId::random(world.random_), std::move(name), "test"}, network(kShards, lane) {
      for (std::uint16_t i = 0; i < kShards; ++i) {
        shards[i] = std::make_unique<NodeShard>(network, ShardId{i}, identity, world.options,
                                                world.limits, world.nats, world.now);
      }
    }
    NodeShard& operator[](std::size_t i) { return *shards[i]; }

    const NodeIdentity identity;
    MailboxNetwork network;
    std::array<std::unique_ptr<NodeShard>, kShards> shards;
    bool frozen = false;  // its shards do not turn
  };

  Node& start(const std::string& name, std::size_t lane = MailboxNetwork::kLaneCapacity) {
    nodes_.push_back(std::make_unique<Node>(*this, name, lane));
    for (const auto& shard : nodes_.back()->shards) shard->link->come_up();
    turn();
    return *nodes_.back();
  }
  // kill -9: the server sees its connections end.
  void kill(Node& node) {
    for (const auto& shard : node.shards) nats.remove(*shard->link);
    std::erase_if(nodes_, [&node](const auto& each) { return each.get() == &node; });
  }
  void cut(Node& node) {
    for (const auto& shard : node.shards) shard->link->is_up = false;
    turn();
  }
  void mend(Node& node) {
    for (const auto& shard : node.shards) shard->link->come_up();
    turn();
  }

  // A moment in which everything that is on its way arrives.
  void turn() {
    for (int round = 0; round < 20; ++round) {
      for (const auto& node : nodes_) {
        if (node->frozen) continue;
        for (const auto& shard : node->shards) {
          shard->port->drain(now);
          shard->mailbox.drain(now);
        }
      }
      if (!nats.pump() && round > 2) return;
    }
  }
  // Time goes by, in small steps.
  void pass(Duration span) {
    const Instant end = now + span;
    while (now < end) {
      now = std::min(end, now + milliseconds(20));
      for (const auto& node : nodes_) {
        if (node->frozen) continue;
        for (const auto& shard : node->shards) shard->timers.advance(now);
      }
      turn();
    }
  }
  // Until all know each other.
  void settle() { pass(NodeDirectory::kSettle + milliseconds(20)); }

  // What a shard is answered, within the patience of the nodes.
  NodeShard::Answer ask(NodeShard& shard, Bytes channel, bool counts_only = false) {
    const RequestToken token = shard.ask(channel, counts_only, now);
    turn();
    if (!shard.answers.contains(token)) pass(PresenceGather::kPatience + milliseconds(50));
    CHECK(shard.answers.contains(token));
    return shard.answers[token];
  }
  // The same once nothing is kept any more.
  NodeShard::Answer ask_anew(NodeShard& shard, Bytes channel, bool counts_only = false) {
    pass(PresenceGather::kKept + milliseconds(20));
    return ask(shard, channel, counts_only);
  }

  Instant now{1'000'000'000};
  NatsOptions options;
  PresenceLimits limits;
  PlayedNats nats;

 private:
  Random random_{5};
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace millrace

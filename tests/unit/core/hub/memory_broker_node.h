// Shards with a memory broker each, and what their brokers told them, in order.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/hub/memory_broker.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {

struct BrokerNode final : MessageHandler, BrokerEvents {
  struct Event {
    enum class Kind : std::uint8_t { kPublication, kHistory } kind = Kind::kPublication;
    std::uint64_t offset = 0;
    bool operator==(const Event&) const = default;
  };
  struct Page {
    HistoryOutcome outcome = HistoryOutcome::kOk;
    StreamPosition top = {};
    bool complete = false;
    std::vector<std::string> data = {};
    std::vector<std::string> users = {};
  };

  BrokerNode(MailboxNetwork& network, ShardId id, std::size_t shards,
             const MemoryBrokerLimits& limits)
      : mailbox(network, id, waker),
        random(id.value),
        broker(mailbox, shards, *this, metrics, timers, random, limits) {
    mailbox.set_handler(*this);
  }
  void on_message(ShardId from, Message& message, Instant now) override {
    CHECK(broker.on_message(from, message, now));
  }
  void on_position(Bytes, const StreamPosition&) override {}
  void on_publication(const Publication& publication) override {
    events.push_back({Event::Kind::kPublication, publication.position.offset});
    heard.emplace_back(publication.data);
    heard_users.emplace_back(publication.info.user);
  }
  void on_presence_changes(Bytes, std::span<const PresenceChange> changes) override {
    for (const PresenceChange& change : changes) {
      news.push_back((change.joined ? "+" : "-") + std::string(change.member.client));
    }
  }
  void on_interest_ready(Bytes, InterestToken) override {}
  void on_published(RequestToken token, PublishOutcome outcome,
                    const StreamPosition& position) override {
    CHECK(outcomes.emplace(token, outcome).second);
    positions[token] = position;
  }
  void on_history(RequestToken token, const HistoryPage& page) override {
    events.push_back({Event::Kind::kHistory, page.top.offset});
    Page copy{page.outcome, page.top, page.complete};
    for (const KeptPublication& one : page.publications) {
      copy.data.emplace_back(one.data);
      copy.users.emplace_back(one.info.user);
    }
    CHECK(pages.emplace(token, std::move(copy)).second);  // exactly once
  }
  void on_presence(RequestToken token, const PresencePage& page) override {
    CHECK(counts.emplace(token, page.counts).second);
    available[token] = page.available;
    for (const ClientInfo& member : page.members) members[token].emplace_back(member.client);
  }

  EventRing ring;
  Waker waker{ring};
  Mailbox mailbox;
  ShardMetrics metrics;
  TimerWheel timers{Instant{}};
  Random random;
  MemoryBroker broker;
  std::vector<Event> events;
  std::vector<std::string> heard, heard_users, news;
  std::map<RequestToken, PublishOutcome> outcomes;
  std::map<RequestToken, StreamPosition> positions;
  std::map<RequestToken, Page> pages;
  std::map<RequestToken, PresenceCounts> counts;
  std::map<RequestToken, bool> available;
  std::map<RequestToken, std::vector<std::string>> members;
};

// Two shards; `far` is a channel of the second.
struct BrokerPair {
  explicit BrokerPair(std::size_t lane = MailboxNetwork::kLaneCapacity,
                      const MemoryBrokerLimits& limits = {})
      : network(2, lane), a(network, ShardId{0}, 2, limits), b(network, ShardId{1}, 2, limits) {
    while (hash_bytes(far) % 2 != 1) far += "x";
    while (hash_bytes(near) % 2 != 0) near += "x";
  }
  void settle(Instant now = {}) {
    for (int i = 0; i < 100; ++i) {
      a.mailbox.drain(now);
      b.mailbox.drain(now);
    }
  }
  void fill(BrokerNode& from, ShardId to) {
    Message message = InterestAck{"nobody", 0};
    while (from.mailbox.try_send(to, message)) message = InterestAck{"nobody", 0};
  }

  MailboxNetwork network;
  BrokerNode a;
  BrokerNode b;
  std::string far = "far";
  std::string near = "near";
};

}  // namespace millrace

// A PresenceGather over one played link, whose other nodes are played as well.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/nodes/presence_gather.h"
#include "tests/support/played_link.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {

struct GatherWorld : PresenceGatherEvents {
  explicit GatherWorld(std::size_t list_bytes = 100'000) {
    auto made = std::make_unique<PlayedLink>(waker);
    link = made.get();
    options.lane_requests = 100'000;
    port = std::make_unique<NatsPort>(options, std::move(made), timers, random, metrics);
    gather = std::make_unique<PresenceGather>(*port, directory, timers, metrics, list_bytes, *this);
    link->come_up();
    port->drain(now);
    directory.hears(true, now);
    now = now + NodeDirectory::kSettle;
  }

  void on_gathered(const PresenceAsker& asker, Bytes channel, bool counts_only,
                   const GatheredPresence* others) override {
    told.push_back(std::to_string(asker.token) + " " + std::string(channel) +
                   (counts_only ? " counts " : " list ") +
                   (others == nullptr ? "none" : std::to_string(others->clients)));
    if (others != nullptr) last = *others;
    if (then) std::exchange(then, nullptr)();
  }
  void know(std::size_t nodes) {
    for (std::size_t i = 0; i < nodes; ++i) {
      directory.heard({.id = NodeId::random(random), .number = 1}, now);
    }
  }
  void ask(std::uint64_t token, Bytes channel = "room", bool counts_only = true) {
    gather->ask(channel, counts_only, {ShardId{0}, token}, now);
  }
  void turn(Duration later = milliseconds(1)) {
    now = now + later;
    timers.advance(now);
    port->drain(now);
  }
  // The questions that were sent since the last call: subscriptions are left out.
  std::vector<NatsPost> questions() {
    link->answer_all();
    turn();
    std::vector<NatsPost> posts;
    for (; seen < link->seen.size(); ++seen) {
      const NatsRequest& request = link->seen[seen];
      if (request.kind == NatsRequestKind::kSubscribe) inbox = request.subscription;
      if (request.kind == NatsRequestKind::kPublish) posts.push_back(request.post);
    }
    return posts;
  }
  void reply(const NatsPost& question, const std::string& data) {
    link->bring(inbox, {.subject = question.reply, .data = data});
    turn();
  }
  static std::string counts(std::uint32_t clients, const std::vector<std::uint64_t>& users) {
    return presence_counts_json({clients, static_cast<std::uint32_t>(users.size())}, users);
  }

  EventRing ring;
  Waker waker{ring};
  Instant now{1'000'000'000};
  TimerWheel timers{now};
  Random random{4};
  ShardMetrics metrics;
  NatsOptions options;
  NodeDirectory directory{NodeId::random(random)};
  PlayedLink* link = nullptr;
  std::unique_ptr<NatsPort> port;
  std::unique_ptr<PresenceGather> gather;
  NatsSubscriptionId inbox;
  std::size_t seen = 0;
  std::vector<std::string> told;
  GatheredPresence last;
  std::function<void()> then;
};

}  // namespace millrace

// Hubs on the broker in memory, with lanes that are full now and then and streams that are
// forgotten early. Whatever happens: who was promised a position gets everything behind it once and
// in order, or is told that it has missed something.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "core/hub/hub.h"
#include "core/hub/memory_broker.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {
namespace {

constexpr StreamOptions kKept{.size = 6, .age = seconds(20), .meta_age = seconds(60)};
constexpr PresenceOptions kTold{.members = true, .announce = true};

// What was published where, as the first who saw it did.
using History = std::map<std::tuple<std::string, std::string, std::uint64_t>, std::string>;

// One subscription as its client sees it.
struct Follower {
  std::uint32_t ticket = 0;
  bool live = false;
  bool positioned = false;
  bool delta = false;
  std::optional<StreamPosition> since = {};  // it came back
  StreamPosition at = {};
  std::string last = {};  // what patches are against
};

struct Node final : MessageHandler, DeliverySink {
  Node(MailboxNetwork& network, ShardId id, std::size_t shards, History& all)
      : mailbox(network, id, waker),
        history_of_all(all),
        random(id.value),
        hub(*this, metrics, {.channels = 100, .channels_per_subscriber = 5, .joins = 6}),
        broker(mailbox, shards, hub, metrics, timers, random,
               {.streams = {.publications = 24, .streams = 3}}) {
    mailbox.set_handler(*this);
    hub.set_broker(broker);
  }
  void on_message(ShardId from, Message& message, Instant now) override {
    hub.set_now(now);
    CHECK(broker.on_message(from, message, now));
  }

  void see(Bytes channel, Follower& follower, std::uint64_t offset, Bytes data) {
    CHECK_EQ(offset, follower.at.offset + 1);
    follower.at.offset = offset;
    const auto [known, fresh] = history_of_all.try_emplace(
        {std::string(channel), std::string(follower.at.epoch.text()), offset}, data);
    CHECK_EQ(known->second, data);
    follower.last = data;
  }
  void deliver(const Publication& publication, Bytes base,
               std::span<const Subscriber> to) override {
    for (const Subscriber& each : to) {
      const auto found = followers.find({each.id, std::string(publication.channel)});
      CHECK(found != followers.end());
      Follower& follower = found->second;
      CHECK_EQ(each.joining != 0, !follower.live);
      if (each.joining) continue;
      if (each.delta && each.based) CHECK_EQ(base, follower.last);
      if (!follower.positioned) continue;
      CHECK(follower.at.epoch == publication.position.epoch);
      see(publication.channel, follower, publication.position.offset, publication.data);
    }
  }
  void subscribed(SubscriberId who, Bytes channel, std::uint32_t ticket,
                  const SubscribeOutcome& outcome) override {
    const auto found = followers.find({who, std::string(channel)});
    CHECK(found != followers.end());
    Follower& follower = found->second;
    CHECK(!follower.live);  // told once
    CHECK_EQ(follower.ticket, ticket);
    if (outcome.failure != SubscribeOutcome::Failure::kNone) {
      followers.erase(found);
      ++refused;
      return;
    }
    follower.live = true;
    CHECK_EQ(outcome.positioned, follower.positioned);
    follower.at = outcome.position;
    if (!outcome.recovered) return;
    ++recovered;
    CHECK(follower.since.has_value());
    CHECK(follower.since->epoch == outcome.position.epoch);
    CHECK_EQ(follower.since->offset, outcome.position.offset);
    for (const KeptPublication& each : outcome.publications) {
      see(channel, follower, each.offset, each.data);
    }
  }
  void lost(SubscriberId who, Bytes channel, bool) override {
    const auto found = followers.find({who, std::string(channel)});
    CHECK(found != followers.end());
    CHECK(found->second.live && found->second.positioned);
    places[found->first] = found->second.at;
    followers.erase(found);
    ++losses;
  }
  void deliver_presence(Bytes, std::span<const PresenceChange>,
                        std::span<const Subscriber>) override {}
  ClientInfo member(SubscriberId who, Bytes) override {
    name = std::to_string(mailbox.self().value) + "/" + std::to_string(who);
    return {.client = name};
  }
  void published(RequestToken, PublishOutcome, const StreamPosition&) override {}
  void history(RequestToken, const HistoryPage& page) override { top = page.top; }
  void presence(RequestToken, const PresencePage& page) override { counts = page.counts; }

  EventRing ring;
  Waker waker{ring};
  Mailbox mailbox;
  History& history_of_all;
  ShardMetrics metrics;
  TimerWheel timers{Instant{}};
  Random random;
  Hub hub;
  MemoryBroker broker;
  std::map<std::pair<SubscriberId, std::string>, Follower> followers;
  std::map<std::pair<SubscriberId, std::string>, StreamPosition> places;  // of those who left
  std::size_t recovered = 0, losses = 0, refused = 0;
  StreamPosition top;
  PresenceCounts counts;
  std::string name;
};

class HubStreamsModel : public testing::TestWithParam<unsigned> {
 protected:
  static constexpr std::size_t kNodes = 3;
  static constexpr std::size_t kLane = 8;  // messages

  HubStreamsModel() : network_(kNodes, kLane) {
    set_hash_key({GetParam(), ~GetParam()});
    for (std::size_t i = 0; i < kNodes; ++i) {
      nodes_.push_back(std::make_unique<Node>(network_, ShardId{static_cast<std::uint16_t>(i)},
                                              kNodes, history_));
    }
  }
  ~HubStreamsModel() override {
    for (auto& each : nodes_) {
      for (SubscriberId who = 0; who < 8; ++who) each->hub.drop(who, now_);
    }
    settle();
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::string any_channel() { return "c" + std::to_string(below(7)); }
  void settle() {
    for (int i = 0; i < 200; ++i) {
      for (auto& each : nodes_) each->mailbox.drain(now_);
    }
  }
  void pass(Duration span) {
    now_ = now_ + span;
    for (auto& each : nodes_) {
      each->hub.set_now(now_);
      each->timers.advance(now_);
    }
  }

  void subscribe(Node& node, SubscriberId who, const std::string& channel) {
    if (node.followers.contains({who, channel})) return;
    SubscribeOptions options;
    options.ticket = ++last_ticket_;
    options.stream = kKept;
    options.presence = kTold;
    options.positioned = options.recoverable = below(4) != 0;
    options.delta = options.positioned && below(2) == 0;
    const auto place = node.places.find({who, channel});
    if (options.recoverable && place != node.places.end()) {
      options.recovering = true;
      options.since = place->second;
      options.all_or_nothing = below(4) == 0;
    }
    Follower& follower = node.followers[{who, channel}];
    follower = {options.ticket, false, options.positioned, options.delta, options.since};
    switch (node.hub.subscribe(who, channel, options, now_)) {
      case Hub::Subscribe::kLive:
        ASSERT_FALSE(options.positioned);
        node.followers.at({who, channel}).live = true;
        return;
      case Hub::Subscribe::kPending:
        return;  // it may have been refused already
      case Hub::Subscribe::kAlready:
      case Hub::Subscribe::kChannelLimit:
        FAIL();
      case Hub::Subscribe::kSubscriberLimit:
      case Hub::Subscribe::kBusy:
        node.followers.erase({who, channel});
    }
  }
  static void leave(Node& node, SubscriberId who, const std::string& channel) {
    const auto found = node.followers.find({who, channel});
    if (found == node.followers.end()) return;
    if (found->second.live && found->second.positioned) {
      node.places[found->first] = found->second.at;
    }
    node.followers.erase(found);
  }
  void step() {
    Node& node = *nodes_[below(kNodes)];
    const auto who = static_cast<SubscriberId>(below(8));
    const std::string channel = any_channel();
    switch (below(16)) {
      case 0:
      case 1:
        return subscribe(node, who, channel);
      case 2:
        ASSERT_EQ(node.hub.unsubscribe(who, channel, now_),
                  node.followers.contains({who, channel}));
        return leave(node, who, channel);
      case 3:
        if (below(3) != 0) return;
        node.hub.drop(who, now_);
        for (int i = 0; i < 7; ++i) leave(node, who, "c" + std::to_string(i));
        return;
      case 4:
        return node.hub.check_positions(2, now_);
      case 5:
        return pass(milliseconds(static_cast<std::int64_t>(below(2'000))));
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
        return node.hub.publish({.channel = channel, .data = std::to_string(++last_payload_)},
                                kKept, 1, now_);
      default:
        node.mailbox.drain(now_);
    }
  }

  // Nothing is on its way any more: what a client has is all there is.
  void check_quiet() {
    settle();
    for (auto& each : nodes_) each->hub.check_positions(each->hub.channel_slots(), now_);
    settle();
    std::map<std::string, std::uint32_t> members;
    for (auto& each : nodes_) {
      each->hub.validate();
      ASSERT_EQ(each->metrics.subscriptions, each->followers.size());
      for (const auto& [key, follower] : each->followers) {
        ASSERT_TRUE(follower.live) << "never answered";
        ++members[key.second];
        if (!follower.positioned) continue;
        each->hub.read_history(key.second, {}, kKept, 2, now_);
        settle();
        // Asking may have made room for this stream by forgetting another.
        if (follower.at.epoch != each->top.epoch) continue;
        ASSERT_EQ(follower.at.offset, each->top.offset);
        ++compared_;
      }
    }
    for (int i = 0; i < 7; ++i) {
      const std::string channel = "c" + std::to_string(i);
      nodes_[0]->hub.read_presence(channel, true, 3, now_);
      settle();
      ASSERT_EQ(nodes_[0]->counts.clients, members[channel]) << channel;
    }
  }

  std::mt19937 random_{GetParam()};
  History history_;
  MailboxNetwork network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  Instant now_{};
  std::uint32_t last_ticket_ = 0;
  std::uint64_t last_payload_ = 0;
  std::size_t compared_ = 0;
};

TEST_P(HubStreamsModel, NobodyMissesAnythingWithoutBeingTold) {
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 250; ++i) step();
    check_quiet();
    if (HasFatalFailure()) return;
  }
  std::size_t recovered = 0;
  std::size_t losses = 0;
  std::size_t refused = 0;
  for (auto& each : nodes_) {
    recovered += each->recovered;
    losses += each->losses;
    refused += each->refused;
  }
  EXPECT_GT(recovered, 20U) << "or this test shows nothing";
  EXPECT_GT(compared_, 100U);
  EXPECT_GT(losses, 20U);
  EXPECT_GT(refused, 20U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HubStreamsModel, testing::Range(1U, 7U));

}  // namespace
}  // namespace millrace

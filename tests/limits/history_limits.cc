// What is kept of channels, and what of it is on its way between shards.
#include "core/hub/stream_store.h"
#include "tests/limits/limit.h"
#include "tests/support/allocated_bytes.h"
#include "tests/unit/core/hub/hub_world.h"
#include "tests/unit/core/hub/memory_broker_node.h"

namespace millrace {
namespace {

constexpr std::uint32_t kSome = 5;
constexpr std::size_t kOverhead = sizeof(StoredPublication);
constexpr StreamOptions kLong{.size = 20'000, .age = seconds(60), .meta_age = seconds(600)};

struct World {
  explicit World(const StreamStoreLimits& limits = {}) : store(limits, random, metrics) {}
  void append(Bytes channel, std::size_t size = 1, const StreamOptions& options = kLong) {
    store.append(channel, std::string(size, 'x'), {}, options, {});
  }
  HistoryPage read(std::uint32_t limit, Instant now = {}, const StreamOptions& options = kLong) {
    return store.read("a", {.since = StreamPosition{}, .limit = limit}, options, now);
  }

  Random random{1};
  ShardMetrics metrics;
  StreamStore store;
};

std::string publications(std::uint64_t n) {
  World world({.publications = kSome});
  for (std::uint64_t i = 0; i < n; ++i) world.append("channel" + std::to_string(i));
  return unless(world.store.publications() == n, "oldest dropped");
}

std::string bytes(std::uint64_t n) {
  World world({.bytes = 1'000});
  world.append("a");
  world.append("b", n - 2 * kOverhead - 1);
  return unless(world.store.publications() == 2, "oldest dropped");
}

std::string streams(std::uint64_t n) {
  World world({.streams = kSome});
  for (std::uint64_t i = 0; i < n; ++i) world.append("channel" + std::to_string(i));
  return unless(world.store.streams() == n, "least used forgotten");
}

std::string joins(std::uint64_t n) {
  HubWorld world({.joins = kSome});
  auto last = Hub::Subscribe::kPending;
  for (SubscriberId who = 0; who < n; ++who) {
    last = world.hub.subscribe(who, "a", {.positioned = true, .stream = kLong}, {});
  }
  return unless(last == Hub::Subscribe::kPending, "busy");
}

std::string page_bytes(std::uint64_t n) {
  World world({.page_bytes = 1'000});
  world.append("a");
  world.append("a", n - 2 * StreamStore::kPageEnvelope - 1);
  return unless(world.read(300).complete, "cut");
}

std::string size(std::uint64_t n) {
  World world;
  for (std::uint64_t i = 0; i < n; ++i) {
    world.append("a", 1, {.size = kSome, .age = seconds(1), .meta_age = seconds(1)});
  }
  return unless(world.store.publications() == n, "oldest dropped");
}

std::string age(std::uint64_t n) {
  World world;
  const StreamOptions options{.size = 1, .age = milliseconds(1'000), .meta_age = seconds(9)};
  world.append("a", 1, options);
  const Instant now = Instant{} + milliseconds(static_cast<std::int64_t>(n));
  return unless(world.read(1, now, options).complete, "gone");
}

std::string meta_age(std::uint64_t n) {
  World world;
  const StreamOptions options{.size = 1, .age = seconds(1), .meta_age = milliseconds(2'000)};
  const Epoch epoch = world.read(0, {}, options).top.epoch;
  const Instant now = Instant{} + milliseconds(static_cast<std::int64_t>(n));
  return unless(world.read(0, now, options).top.epoch == epoch, "a new epoch");
}

std::string swept(std::uint64_t n) {
  World world;
  for (std::uint64_t i = 0; i < n; ++i) world.append("a");
  world.store.sweep(Instant{} + kLong.age);
  return unless(world.store.publications() == 0, "next call");
}

std::string swept_by_an_append(std::uint64_t n) {
  World world;
  for (std::uint64_t i = 0; i < n; ++i) world.append("a");
  world.store.append("b", "x", {}, kLong, Instant{} + kLong.age);
  return unless(world.store.publications() == 1, "next call");
}

std::string kept_of_a_page(std::uint64_t n) {
  World world;
  for (std::uint64_t i = 0; i < n; ++i) world.append("a");
  const std::int64_t before = allocated_bytes();
  world.read(300'000);
  world.read(0);
  const auto room = static_cast<std::int64_t>(n * sizeof(KeptPublication));
  return unless(allocated_bytes() - before >= room, "freed");
}

// An answer of n bytes is on its way; is there room for another?
std::string bytes_between_shards(std::uint64_t n) {
  constexpr std::size_t kHead = 32;
  BrokerPair pair;
  const std::string data(n - kHead, 'x');
  pair.b.broker.publish({.channel = pair.far, .data = data}, kLong, 1, Instant{});
  for (RequestToken token = 1; token <= 2; ++token) {
    pair.a.broker.read_history(pair.far, {.limit = 1}, kLong, token, Instant{});
  }
  pair.settle();
  CHECK(pair.a.pages[1].outcome == HistoryOutcome::kOk);
  return unless(pair.a.pages[2].outcome == HistoryOutcome::kOk, "error 100");
}

std::string members_listed(std::uint64_t n) {
  BrokerPair pair(MailboxNetwork::kLaneCapacity, {.presence = {.list_bytes = SIZE_MAX}});
  for (std::uint64_t i = 0; i < n; ++i) {
    pair.b.broker.add_member(pair.far, {.client = std::to_string(i)}, {.members = true}, {});
  }
  pair.b.broker.read_presence(pair.far, false, 1, Instant{});
  CHECK_EQ(pair.b.counts[1].clients, n);
  return unless(pair.b.members[1].size() == n, "cut");
}

}  // namespace

Limits history_limits() {
  Limits all;
  const auto add = [&all](const char* name, const char* covers, std::uint64_t value,
                          const char* unit, const char* refusal,
                          std::string (*attempt)(std::uint64_t)) -> Limit& {
    return all.emplace_back(Limit{.name = name,
                                  .covers = {covers},
                                  .value = value,
                                  .unit = unit,
                                  .refusal = refusal,
                                  .attempt = attempt});
  };
  add("publications kept of a channel", "StreamOptions.size", kSome, "publications",
      "oldest dropped", size);
  add("age of a kept publication", "StreamOptions.age", 1'000, "ms", "gone", age).edge =
      Edge::kDeadline;
  add("age of an unused position", "StreamOptions.meta_age", 2'000, "ms", "a new epoch", meta_age)
      .edge = Edge::kDeadline;
  add("publications kept by a shard", "StreamStoreLimits.publications", kSome, "publications",
      "oldest dropped", publications);
  add("bytes kept by a shard", "StreamStoreLimits.bytes", 1'000, "bytes", "oldest dropped", bytes);
  add("channels whose position a shard knows", "StreamStoreLimits.streams", kSome, "channels",
      "least used forgotten", streams);
  add("subscribes of a shard that wait for a stream", "HubLimits.joins", kSome, "subscribes",
      "busy", joins);
  add("bytes of a page of history", "StreamStoreLimits.page_bytes", 1'000, "bytes", "cut",
      page_bytes);
  add("kept publications that a sweep gives up", "stream_store.h:kSweepWork",
      StreamStore::kSweepWork, "publications", "next call", swept);
  add("old publications that a new one gives up", "stream_store.h:kSweepOfAppend", 4,
      "publications", "next call", swept_by_an_append);
  add("room for a page of history that is kept", "stream_store.h:kKeptPage", 1'024, "publications",
      "freed", kept_of_a_page);
  add("bytes of history on the way from shard to shard", "memory_broker.h:kAnswerBytes",
      MemoryBroker::kAnswerBytes, "bytes", "error 100", bytes_between_shards)
      .edge = Edge::kDeadline;
  add("members of a channel that are listed", "memory_broker.h:kMembersListed",
      MemoryBroker::kMembersListed, "members", "cut", members_listed);
  return all;
}

}  // namespace millrace

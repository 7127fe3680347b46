#include "tests/sim/options.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "core/base/assert.h"
#include "core/base/hash.h"

namespace millrace::sim {
namespace {

constexpr std::uint32_t kFewBytes = 4'096;

constexpr std::array<const char*, kFaults> kNames{"short_send",
                                                  "short_receive",
                                                  "no_buffers",
                                                  "reset",
                                                  "receive_ends",
                                                  "cancel_race",
                                                  "late_completion",
                                                  "after_shutdown",
                                                  "reorder",
                                                  "poll_spurious",
                                                  "poll_twice",
                                                  "poll_late",
                                                  "poll_merged",
                                                  "poll_ends",
                                                  "queue_full",
                                                  "enter_refused",
                                                  "late_wake",
                                                  "accept_error",
                                                  "stall",
                                                  "broker_drop",
                                                  "broker_duplicate",
                                                  "broker_disconnect",
                                                  "broker_refuse",
                                                  "broker_late",
                                                  "hostile_message",
                                                  "slow_reader",
                                                  "mute",
                                                  "bad_frame",
                                                  "bad_command",
                                                  "trickle",
                                                  "half_close",
                                                  "away",
                                                  "forged_position",
                                                  "forged_token",
                                                  "old_token"};

// Of how many chances one is taken. What ends a connection is rarer, or none would live long.
std::uint32_t draw_rate(Fault fault, Random& random) {
  constexpr std::array<std::uint32_t, 4> kOften{2'000, 20'000, 100'000, 300'000};
  constexpr std::array<std::uint32_t, 4> kRarely{500, 2'000, 10'000, 30'000};
  switch (fault) {
    case Fault::kQueueFull:
      return Faults::kCertain;  // a size that is drawn, counted as it fills
    case Fault::kForgedPosition:
      return 250'000;  // chances are few: a client that comes back to where it was
    case Fault::kReset:
    case Fault::kLateCompletion:
    case Fault::kMute:
    case Fault::kBadFrame:
    case Fault::kBadCommand:
    case Fault::kHalfClose:
      return kRarely.at(random.below(kRarely.size()));
    case Fault::kBrokerDisconnect:
    case Fault::kShortSend:
    case Fault::kShortReceive:
    case Fault::kNoBuffers:
    case Fault::kReceiveEnds:
    case Fault::kCancelRace:
    case Fault::kAfterShutdown:
    case Fault::kReorder:
    case Fault::kPollSpurious:
    case Fault::kPollTwice:
    case Fault::kPollLate:
    case Fault::kPollMerged:
    case Fault::kPollEnds:
    case Fault::kEnterRefused:
    case Fault::kLateWake:
    case Fault::kAcceptError:
    case Fault::kStall:
    case Fault::kBrokerDrop:
    case Fault::kBrokerDuplicate:
    case Fault::kBrokerRefuse:
    case Fault::kBrokerLate:
    case Fault::kHostileMessage:
    case Fault::kSlowReader:
    case Fault::kTrickle:
    case Fault::kAway:
    case Fault::kForgedToken:
    case Fault::kOldToken:
      return kOften.at(random.below(kOften.size()));
  }
  return 0;
}

template <typename T>
T one_of(std::initializer_list<T> values, Random& random) {
  return values.begin()[random.below(values.size())];
}

ClientShardOptions draw_shard(Random& random) {
  ClientShardOptions shard;
  shard.sessions.insecure = true;
  shard.sessions.version = "sim";
  shard.sessions.ping_interval = seconds(one_of<std::int64_t>({4, 10, 25}, random));
  shard.sessions.pong_timeout = seconds(8);
  shard.sessions.publication_bytes = 64 * 1024;
  shard.app.api_key = "0123456789abcdef";
  shard.recv_buffers = one_of<std::uint32_t>({1, 2, 4, 16, 64}, random);
  shard.recv_buffer_size = one_of<std::uint32_t>({16, 64, 512, 4'096}, random);
  shard.decoders = one_of<std::uint32_t>({1, 2, 8, 64}, random);
  shard.connections.capacity = one_of<std::uint32_t>({24, 64, 256}, random);
  shard.connections.queue_bytes = one_of<std::size_t>({2'000, 8'000, 70'000, 1'000'000}, random);
  shard.sessions.queue_bytes = shard.connections.queue_bytes;
  shard.hub.channels_per_subscriber = one_of<std::uint32_t>({2, 128}, random);
  return shard;
}

// What is kept, and whether there is room for it. Three of the stems of World::channel() are three
// namespaces: one keeps a stream, one may, one keeps presence at most.
void draw_streams(SimOptions& options, Random& random) {
  options.steady = random.below(2) == 0;
  NamespaceSettings kept;
  kept.stream = {.size = one_of<std::uint32_t>({3, 20, 100}, random),
                 .age = seconds(3'600),
                 .meta_age = seconds(3'600)};
  MemoryBrokerLimits& limits = options.shard.memory_broker;
  SessionSettings& sessions = options.shard.sessions;
  if (!options.steady) {
    // Shorter than a configuration may say (namespace_check.h): streams are forgotten under their
    // subscribers, as they are for want of room.
    kept.stream.age = one_of<Duration>({milliseconds(100), seconds(1), seconds(3'600)}, random);
    kept.stream.meta_age =
        std::max(kept.stream.age, one_of<Duration>({milliseconds(300), seconds(3'600)}, random));
    limits.streams.publications = one_of<std::uint32_t>({4, 40, 1'000'000}, random);
    limits.streams.bytes = one_of<std::size_t>({3'000, 1'000'000'000}, random);
    limits.streams.streams = one_of<std::uint32_t>({1, 2, 1'000'000}, random);
    limits.streams.page_bytes = one_of<std::size_t>({2'000, 1'000'000}, random);
    limits.presence.members = one_of<std::uint32_t>({3, 1'000'000}, random);
    options.shard.hub.joins = one_of<std::uint32_t>({1, 1'000'000}, random);
  }
  kept.recoverable = random.below(2) == 0;
  kept.positioned = random.below(4) == 0;
  const bool presence = random.below(4) != 0;
  kept.presence = {.members = presence, .announce = presence};
  NamespaceSettings plain;
  plain.presence = kept.presence;
  sessions.namespaces.by_name["room"] = kept;
  const bool all = options.channels == 1 || random.below(2) == 0;
  sessions.namespaces.by_name["default"] = all ? kept : NamespaceSettings{};
  sessions.namespaces.by_name["x"] = plain;
  sessions.recovery_page = one_of<std::uint32_t>({2, 300}, random);
  sessions.history_page = one_of<std::uint32_t>({2, 300}, random);
  sessions.position_check = one_of<Duration>({seconds(2), seconds(5)}, random);
  options.streams = true;
}

// Everybody may do everything, but has to say who he is.
void draw_tokens(SimOptions& options, Random& random) {
  SessionSettings& sessions = options.shard.sessions;
  options.tokens = true;
  sessions.insecure = false;
  sessions.token_grace = seconds(1);
  for (const char* name : {"default", "room", "x"}) {
    constexpr Audience kAll{.clients = true, .subscribers = true, .anonymous = true};
    NamespaceSettings& settings = sessions.namespaces.by_name[name];
    settings.subscribe = settings.publish = kAll;
    settings.read_presence = settings.read_history = kAll;
  }
  sessions.allow_anonymous = random.below(2) == 0;
  TokenSettings token;
  token.hmac_secret = kTokenSecret;
  auto keys = TokenKeys::load(token);
  CHECK(keys.ok());
  options.shard.token_keys = std::make_shared<const TokenKeys>(std::move(*keys));
}

}  // namespace

const char* fault_name(Fault fault) { return kNames.at(static_cast<std::size_t>(fault)); }

SimOptions draw_options(std::uint64_t seed) {
  Random random(seed);
  // Before any table is filled.
  set_hash_key({seed, ~seed});
  SimOptions options;
  options.seed = seed;
  options.shards = 2 + random.below(2);
  options.nats = random.below(2) == 0;
  options.clients = 4 + random.below(28);
  options.publishers = 1 + random.below(3);
  options.channels = 1 + random.below(8);
  options.queue_entries = one_of<std::uint32_t>({4, 16, 256}, random);
  options.max_connections = one_of<std::uint64_t>({8, 40, 1'000}, random);
  options.lane_capacity = one_of<std::size_t>({2, 16, 4'096}, random);
  options.drain_in_chaos = random.below(2) == 0;
  options.chaos_events = 5'000 + random.below(3'000);
  options.shard = draw_shard(random);
  options.shard.client_shards = options.shards;
  if (options.nats) {
    NatsOptions nats;
    nats.urls = {"nats://simulated"};
    if (random.below(2) == 0) nats.prefix_namespaces = {"room"};
    nats.lane_requests = one_of<std::size_t>({8, 16'384}, random);
    options.shard.nats = nats;
    options.shard.node = {NodeId::random(random), "simulated", "sim"};
  }
  for (std::size_t i = 0; i < kFaults; ++i) {
    const bool on = random.below(5) < 3;
    const std::uint32_t rate = draw_rate(static_cast<Fault>(i), random);
    if (on) options.rates.at(i) = rate;
  }
  // Few buffers, or the only decoder, held for long starve everybody, as they must; deadlines that
  // pass for that reason would hide those that pass for another.
  const ClientShardOptions& shard = options.shard;
  if (shard.recv_buffers * shard.recv_buffer_size < kFewBytes || shard.decoders == 1) {
    options.rates.at(static_cast<std::size_t>(Fault::kLateCompletion)) = 0;
    options.rates.at(static_cast<std::size_t>(Fault::kStall)) /= 10;
  }
  // Without the fault the queue has room for all; the ring counts what fills it.
  if (options.rates.at(static_cast<std::size_t>(Fault::kQueueFull)) == 0) {
    options.queue_entries = 4'096;
  }
  options.shard.drain_timeout = one_of<Duration>({Duration{}, seconds(1), seconds(10)}, random);
  options.hurry = random.below(4) == 0;
  if (!options.nats && random.below(4) != 0) draw_streams(options, random);
  if (random.below(4) == 0) draw_tokens(options, random);
  return options;
}

std::string describe(const SimOptions& options) {
  const ClientShardOptions& shard = options.shard;
  const auto text = [](auto number) { return std::to_string(number); };
  std::string out = "seed " + text(options.seed) + ": " + text(options.shards) + " shards, " +
                    (options.nats ? "NATS" : "broker in memory") + ", " + text(options.clients) +
                    " clients, " + text(options.publishers) + " publishers, " +
                    text(options.channels) + " channels\n";
  out += "limits: " + text(shard.recv_buffers) + " receive buffers of " +
         text(shard.recv_buffer_size) + " B, " + text(shard.decoders) + " decoders, " +
         text(shard.connections.queue_bytes) + " B a send queue, " + text(options.queue_entries) +
         " submission entries, " + text(options.max_connections) + " connections, " +
         text(options.lane_capacity) + " messages a lane\n";
  if (options.tokens) out += "tokens\n";
  if (options.streams) {
    const NamespaceSettings& kept = shard.sessions.namespaces.by_name.at("room");
    const StreamStoreLimits& limits = shard.memory_broker.streams;
    out += std::string(options.steady ? "steady" : "scarce") +
           " streams: " + text(kept.stream.size) + " publications for " +
           text(kept.stream.age.to_ms()) + " ms, positions for " +
           text(kept.stream.meta_age.to_ms()) + " ms, " + text(limits.publications) +
           " publications, " + text(limits.bytes) + " B and " + text(limits.streams) +
           " streams a shard, pages of " + text(limits.page_bytes) + " B, " +
           text(shard.sessions.recovery_page) + " recovered at once\n";
  }
  out += "faults, of 1,000,000 chances:";
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (options.rates.at(i) == 0) continue;
    out += std::string(" ") + kNames.at(i) + "=" + text(options.rates.at(i));
  }
  return out + "\n";
}

}  // namespace millrace::sim

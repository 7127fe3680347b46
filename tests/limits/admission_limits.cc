// Newcomers: how many, how fast, from where, and those who are refused.
#include "core/base/assert.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

// What the last of `n` newcomers is told at once, if it is the one of them that was rejected.
std::string last_of(ShardWorld& world, std::uint64_t n, RejectReason reason) {
  FileSlot last;
  for (std::uint64_t i = 0; i < n; ++i) last = world.connect();
  const unsigned status = http_status(world.ring().take_sent(last));
  const auto rejected = world.metrics().rejected_total[static_cast<std::size_t>(reason)];
  CHECK_EQ(rejected, status == 0 ? 0U : 1U);
  return status == 0 ? "" : "HTTP " + std::to_string(status);
}

std::string connections(std::uint64_t n) {
  const Config config = config_of({{"SERVER_MAX_CONNECTIONS", "5"}});
  ConfigWorld world(Settings{}, config.server.max_connections);
  return last_of(world, n, RejectReason::kConnectionLimit);
}

std::string slots(std::uint64_t n) {
  ClientShardOptions options = options_of({});
  options.connections.capacity = ClientShard::kRefusalSlots + 70;
  ShardWorld world(options, 1, 1'000, kWorldFiles);
  return last_of(world, n, RejectReason::kDescriptors);
}

std::string half_open(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_HALF_OPEN", "5"}});
  return last_of(world, n, RejectReason::kHalfOpen);
}

std::string of_an_address(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_CONNECTIONS_PER_ADDRESS", "5"}});
  return last_of(world, n, RejectReason::kAddress);
}

// Who was refused and is silent: those who came first are closed for those who come last.
std::string lingering(std::uint64_t n) {
  ClientShardOptions options = options_of({});
  options.connections.capacity = 2 * ClientShard::kRefusalSlots;
  ShardWorld world(options, 1, ClientShard::kRefusalSlots, kWorldFiles);
  for (std::uint64_t i = 0; i < ClientShard::kRefusalSlots; ++i) world.connect();
  std::uint64_t open = 0;
  std::vector<FileSlot> refused;
  for (std::uint64_t i = 0; i < n; ++i) refused.push_back(world.connect());
  for (const FileSlot file : refused) open += world.ring().is_open(file) ? 1 : 0;
  return unless(open == n, "closed");
}

std::uint64_t accepts(ShardWorld& world) {
  return world.ring().pending_accepts(ShardWorld::kListener);
}

std::string accepts_in_flight(std::uint64_t n) {
  ConfigWorld world;
  return unless(n <= accepts(world), "waits in the backlog");
}

std::string accepts_of_a_large_reserve(std::uint64_t n) {
  ClientShardOptions options = options_of({});
  options.admission.refusal_slots = 4 * ListenerSet::kBank;
  ShardWorld world(options, 1, 1'000, kWorldFiles);
  return unless(n <= accepts(world), "waits in the backlog");
}

// Newcomers come and go; what stands still is the clock.
std::uint64_t taken_now(ShardWorld& world) {
  std::uint64_t taken = 0;
  for (; accepts(world) > 0 && taken < 1'000; ++taken) {
    const FileSlot file = world.connect();
    world.ring().client_close(file);
    world.turn();
  }
  return taken;
}

std::string burst(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_ACCEPT_RATE", "100"}, {"LIMITS_ACCEPT_BURST", "50"}});
  return unless(taken_now(world) >= n, "waits in the backlog");
}

std::string in_a_second(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_ACCEPT_RATE", "100"}, {"LIMITS_ACCEPT_BURST", "50"}});
  static_cast<void>(taken_now(world));
  std::uint64_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    world.advance(milliseconds(10));
    taken += taken_now(world);
  }
  return unless(taken >= n, "waits in the backlog");
}

// Through `n` addresses, of which the last is the client's.
std::string hops(std::uint64_t n) {
  ConfigWorld world(
      Settings{{"LIMITS_CONNECTIONS_PER_ADDRESS", "5"}, {"SERVER_TRUSTED_PROXIES", "127.0.0.0/8"}});
  std::string field = "X-Forwarded-For: 192.0.2.1";
  for (std::uint64_t i = 1; i < n; ++i) field += ", 127.0.0.1";
  std::string request = ShardWorld::handshake();
  request.insert(request.size() - 2, field + "\r\n");
  const FileSlot file = world.connect();
  world.send(file, request);
  const unsigned status = http_status(world.ring().take_sent(file));
  return status == 101 ? "" : "HTTP " + std::to_string(status);
}

Limits limits_of_numbers() {
  return {
      {.name = "connections of the server",
       .covers = {"server.max_connections"},
       .value = 5,
       .unit = "connections",
       .refusal = "HTTP 503",
       .attempt = connections},
      {.name = "clients of a shard, beside its slots for those who are refused",
       .covers = {"ConnectionLimits.capacity"},
       .value = 70,
       .unit = "sockets",
       .refusal = "HTTP 503",
       .attempt = slots},
      {.name = "connections that have not said what they want",
       .covers = {"limits.half_open", "AdmissionLimits.half_open"},
       .value = 5,
       .unit = "connections",
       .refusal = "HTTP 503",
       .attempt = half_open},
      {.name = "connections of an address",
       .covers = {"limits.connections_per_address"},
       .value = 5,
       .unit = "connections",
       .refusal = "HTTP 429",
       .attempt = of_an_address},
      {.name = "addresses that a request came through, the client's included",
       .covers = {"forwarded.h:kMaxForwardedHops"},
       .value = kMaxForwardedHops,
       .unit = "addresses",
       .refusal = "HTTP 400",
       .attempt = hops},
      {.name = "silent connections at the cap that were refused",
       .covers = {"admission.cc:kLingerShare", "client_shard.h:kRefusalSlots",
                  "AdmissionLimits.refusal_slots"},
       .value = ClientShard::kRefusalSlots / 4,
       .unit = "connections",
       .refusal = "closed",
       .attempt = lingering},
  };
}

}  // namespace

Limits admission_limits() {
  Limits all = limits_of_numbers();
  all.push_back({.name = "accepts of a shard in flight",
                 .covers = {"admission.cc:kAcceptShare"},
                 .value = ClientShard::kRefusalSlots / 2,
                 .unit = "accepts",
                 .refusal = "waits in the backlog",
                 .attempt = accepts_in_flight});
  all.push_back({.name = "accepts of a listener in flight",
                 .covers = {"listener.h:kBank"},
                 .value = ListenerSet::kBank,
                 .unit = "accepts",
                 .refusal = "waits in the backlog",
                 .attempt = accepts_of_a_large_reserve});
  all.push_back({.name = "newcomers in a second",
                 .covers = {"limits.accept_rate"},
                 .value = 100,
                 .unit = "connections",
                 .refusal = "waits in the backlog",
                 .attempt = in_a_second});
  all.push_back({.name = "newcomers at once after a quiet time",
                 .covers = {"limits.accept_burst"},
                 .value = 50,
                 .unit = "connections",
                 .refusal = "waits in the backlog",
                 .attempt = burst});
  return all;
}

}  // namespace millrace

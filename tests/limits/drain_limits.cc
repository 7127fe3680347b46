// The end of a server, and the eye that is kept on its shards.
#include "net/server/watchdog.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

Duration ms(std::uint64_t n) { return milliseconds(static_cast<std::int64_t>(n)); }

const Settings kPatient{{"LIMITS_DRAIN_TIMEOUT", "1m"}, {"LIMITS_CLOSE_TIMEOUT", "1m"}};

std::string accepts_after(std::uint64_t n) {
  ConfigWorld world(kPatient);
  world.shared().draining.store(true);
  world.turn();
  world.advance(ms(n));
  return unless(world.ring().pending_accepts(ShardWorld::kListener) > 0, "not accepted");
}

std::string hurried_for(std::uint64_t n) {
  ConfigWorld world(kPatient);
  const FileSlot client = world.open_client();
  world.begin_drain();
  world.shared().drain.hurry.store(true);
  world.turn();
  CHECK_EQ(world.close_code(client), 3001);
  world.advance(ms(n));
  return unless(world.ring().is_open(client), "closed");
}

std::string silent_in_a_drain_for(std::uint64_t n) {
  ConfigWorld world(kPatient);
  const FileSlot client = world.connect();
  world.begin_drain();
  world.advance(ms(n));
  return unless(world.ring().is_open(client), "closed");
}

// A shard whose turn began `n` before.
std::string in_one_turn_for(std::uint64_t n) {
  Heartbeat heartbeat;
  Watchdog watchdog(std::span(&heartbeat, 1), [](std::size_t) { return false; });
  const Instant now{7'000'000'000};
  heartbeat.turn_begins(now);
  static_cast<void>(watchdog.look(now + ms(n)));
  return unless(watchdog.stuck(0, now + ms(n)).empty(), "named");
}

// How many lines of the log `stalls` make, and one more that comes `later`.
std::size_t lines_of(std::uint64_t stalls, Duration later) {
  Heartbeat heartbeat;
  Watchdog watchdog(std::span(&heartbeat, 1), [](std::size_t) { return false; });
  const Instant start{7'000'000'000};
  std::size_t lines = 0;
  for (std::uint64_t i = 0; i < stalls; ++i) {
    heartbeat.long_turn(milliseconds(101));
    lines += watchdog.look(start).size();
  }
  for (Duration at{}; at < later; at = at + milliseconds(1)) {
    lines += watchdog.look(start + at).size();
  }
  heartbeat.long_turn(milliseconds(101));
  return lines + watchdog.look(start + later).size();
}

constexpr std::size_t kLines = 10;

std::string said(std::uint64_t n) { return unless(lines_of(n - 1, Duration{}) == n, "counted"); }

std::string said_again_after(std::uint64_t n) {
  return unless(lines_of(kLines, ms(n)) == kLines, "logged");
}

}  // namespace

Limits drain_limits() {
  return {
      {.name = "time for handshakes that have begun when a drain does",
       .covers = {"drain.h:kLongestGrace"},
       .value = 500,
       .unit = "ms",
       .refusal = "not accepted",
       .attempt = accepts_after,
       .edge = Edge::kDeadline},
      {.name = "time for clients to leave in a hurry",
       .covers = {"drain.h:kHurry"},
       .value = 1'000,
       .unit = "ms",
       .refusal = "closed",
       .attempt = hurried_for,
       .edge = Edge::kDeadline},
      {.name = "time for a request that is on its way in a drain",
       .covers = {"http_connection.h:kDrainWait"},
       .value = 2'000,
       .unit = "ms",
       .refusal = "closed",
       .attempt = silent_in_a_drain_for,
       .edge = Edge::kDeadline},
      {.name = "time of a turn",
       .covers = {"heartbeat.h:kLongTurn"},
       .value = 100,
       .unit = "ms",
       .refusal = "named",
       .attempt = in_one_turn_for},
      {.name = "lines of the watchdog in ten seconds",
       .covers = {"watchdog.h:kLogLines"},
       .value = kLines,
       .unit = "lines",
       .refusal = "counted",
       .attempt = said},
      {.name = "time until the watchdog speaks again",
       .covers = {"watchdog.h:kLogInterval"},
       .value = 10'000,
       .unit = "ms",
       .refusal = "logged",
       .attempt = said_again_after,
       .edge = Edge::kDeadline},
  };
}

}  // namespace millrace

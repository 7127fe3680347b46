// Deadlines: what has not happened by L is too late at L. Timers are never early and at most a tick
// late (core/time/timer_wheel.h); all of this begins on a tick, so L is rounded up to a whole one.
#include "core/time/timer_wheel.h"
#include "net/server/refusal.h"
#include "net/session/ping_schedule.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

Duration ms(std::uint64_t n) { return milliseconds(static_cast<std::int64_t>(n)); }

std::uint64_t in_ms(Duration span) {
  const std::int64_t ticks = (span.ns + TimerWheel::kTick.ns - 1) / TimerWheel::kTick.ns;
  return static_cast<std::uint64_t>(ticks * TimerWheel::kTick.to_ms());
}

// A client that is told to go after `n` of the silence that `prepare` begins.
template <typename Prepare>
std::string closed_after(std::uint64_t n, const Settings& settings, Prepare prepare) {
  ConfigWorld world(settings);
  static_cast<void>(prepare(world));
  CHECK_EQ(counted_close(world.metrics()), "");
  world.advance(ms(n));
  return counted_close(world.metrics());
}

// The socket itself, for closes without a word.
template <typename Prepare>
std::string gone_after(std::uint64_t n, const Settings& settings, Prepare prepare) {
  ConfigWorld world(settings);
  const FileSlot client = prepare(world);
  CHECK(world.ring().is_open(client));
  world.advance(ms(n));
  return unless(world.ring().is_open(client), "closed");
}

// Turns until the server has pinged, to the millisecond.
FileSlot pinged(ShardWorld& world) {
  const FileSlot client = world.open_client();
  for (int i = 0; i < 30'000; ++i) {
    world.clock().advance(milliseconds(4));
    world.turn_one(0);
    if (!world.ring().sent(client).empty()) break;
  }
  const auto texts = world.texts(client);
  CHECK_EQ(texts.size(), 1U);
  CHECK_EQ(texts[0], "{}");
  return client;
}

std::string pinged_again_after(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_PING_INTERVAL", "9s"}});
  const FileSlot client = pinged(world);
  world.send_text(client, "{}");
  // It goes with others, and so may come a step early (net/session/ping_schedule.h).
  world.advance(ms(n) < seconds(9) ? ms(n) - PingSchedule::kLongestStep : ms(n));
  return unless(world.frames(client).empty(), "ping");
}

// A client that takes nothing while publications wait for it.
FileSlot stuck(ShardWorld& world) {
  const FileSlot client = world.open_client();
  world.send_text(client, R"({"id":2,"subscribe":{"channel":"news"}})");
  world.ring().set_send_budget(client, 0);
  world.send(world.connect(), publish_request("news", 100));
  return client;
}

FileSlot inside_a_message(ShardWorld& world) {
  const FileSlot client = world.open_client();
  world.send(client, client_frame(Opcode::kText, "{}", false));
  return client;
}

FileSlot inside_a_message_that_others_wait_for(ShardWorld& world) {
  const FileSlot waits = world.open_client();
  const FileSlot client = inside_a_message(world);
  world.send(waits, client_frame(Opcode::kPing, ""));
  CHECK(world.frames(waits).empty());
  return client;
}

FileSlot told_to_close(ShardWorld& world) {
  const FileSlot client = world.open_client();
  world.send_text(client, "not a command");
  CHECK_EQ(world.close_code(client), 3501);
  return client;
}

FileSlot protocol_broken(ShardWorld& world) {
  const FileSlot client = world.open_client();
  world.send(client, client_header(0x83, 0));  // a reserved opcode
  CHECK_EQ(world.close_code(client), 1002);
  return client;
}

FileSlot idle_http(ShardWorld& world) {
  const FileSlot client = world.connect();
  world.send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_EQ(http_status(world.ring().take_sent(client)), 200U);
  return client;
}

FileSlot refused_http(ShardWorld& world) {
  const FileSlot client = world.connect();
  world.send(client, "GET / HTTP/1.1\r\n\r\n");
  CHECK_EQ(http_status(world.ring().take_sent(client)), 400U);
  return client;
}

std::string request_took(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_HANDSHAKE_TIMEOUT", "3s"}});
  const FileSlot client = world.connect();
  world.send(client, "GET / HTTP/1.1\r\n");
  world.advance(ms(n));
  const unsigned status = http_status(world.ring().take_sent(client));
  return unless(status == 0, "HTTP " + std::to_string(status));
}

std::string refusal_lingers(std::uint64_t n) {
  ConfigWorld world(Settings{}, 1);
  static_cast<void>(world.open_client());
  const FileSlot refused = world.connect();
  CHECK_EQ(http_status(world.ring().take_sent(refused)), 503U);
  world.advance(ms(n));
  return unless(world.ring().is_open(refused), "closed");
}

// A peer that takes a byte now and then, so that no send is ever without progress.
std::string last_bytes_took(std::uint64_t n) {
  ClientShardOptions options = options_of({{"LIMITS_CLOSE_TIMEOUT", "1m"}});
  ShardWorld world(options, 1, 1'000, kWorldFiles);
  const FileSlot client = world.connect();
  world.ring().set_send_budget(client, 0);
  world.send(client, "GET / HTTP/1.1\r\n\r\n");  // refused, and closed when that is told
  std::uint64_t passed = 0;
  for (; passed + 1'000 < n; passed += 1'000) {
    world.advance(seconds(1));
    if (world.ring().send_stuck(client)) world.ring().complete_send(client, 1);
    world.turn();
  }
  world.advance(ms(n - passed));
  return unless(world.ring().is_open(client), "closed");
}

std::string drained_after(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_DRAIN_TIMEOUT", "2s"}, {"LIMITS_CLOSE_TIMEOUT", "1m"}});
  const FileSlot client = world.open_client();
  world.shared().draining.store(true);
  world.turn();
  CHECK(world.ring().is_open(client));  // told, and waited for
  world.advance(ms(n));
  return unless(world.ring().is_open(client), "closed");
}

// After the first failure accepts wait for the shortest back-off, after many for the longest.
std::string backed_off(std::uint64_t n, int failures) {
  ConfigWorld world;
  const int listener = ShardWorld::kListener;
  for (int i = 0; i < failures; ++i) {
    while (world.ring().pending_accepts(listener) > 0) {
      world.ring().fail_accept(listener, IoError::kTableFull);
    }
    world.turn();
    CHECK_EQ(world.ring().pending_accepts(listener), 0U);
    if (i + 1 < failures) world.advance(ListenerSet::kLongestBackoff);
  }
  world.advance(ms(n));
  return unless(world.ring().pending_accepts(listener) == 0, "accepts again");
}

struct Never final : TimerHandler {
  void on_timer(Timer&, Instant) override { fired = true; }
  bool fired = false;
};

// A deadline just behind a tick is rounded up to the next.
std::string fires_after(std::uint64_t n) {
  TimerWheel wheel(Instant{});
  Never handler;
  Timer timer;
  wheel.arm(timer, Instant{1}, handler);
  wheel.advance(Instant{} + ms(n));
  wheel.cancel(timer);
  return unless(!handler.fired, "fired");
}

Limit deadline(const std::string& name, std::vector<std::string> covers, Duration value,
               std::string refusal, std::function<std::string(std::uint64_t)> attempt) {
  return {.name = "time " + name,
          .covers = std::move(covers),
          .value = in_ms(value),
          .unit = "ms",
          .refusal = std::move(refusal),
          .attempt = std::move(attempt),
          .edge = Edge::kDeadline};
}

Limits protocol_deadlines() {
  return {
      deadline("without a connect command",
               {"limits.stale_timeout", "SessionSettings.stale_timeout"}, seconds(3), "close 3502",
               [](auto n) {
                 return closed_after(n, {{"LIMITS_STALE_TIMEOUT", "3s"}},
                                     [](auto& world) { return world.open_websocket(); });
               }),
      deadline("between a ping and its pong",
               {"limits.pong_timeout", "SessionSettings.pong_timeout"}, seconds(3), "close 3012",
               [](auto n) {
                 return closed_after(n, {{"LIMITS_PONG_TIMEOUT", "3s"}}, pinged);
               }),
      deadline("between two pings", {"limits.ping_interval", "SessionSettings.ping_interval"},
               seconds(9), "ping", pinged_again_after),
      deadline("for all of a message", {"WsLimits.message_timeout"}, WsLimits().message_timeout,
               "close 1008",
               [](auto n) {
                 return closed_after(n, {{"LIMITS_PING_INTERVAL", "1h"}}, inside_a_message);
               }),
      deadline("for all of a message while others wait for a decoder",
               {"ws_transport.h:kContendedMessageTime"}, WsShared::kContendedMessageTime,
               "close 1008",
               [](auto n) {
                 return closed_after(n, {{"LIMITS_PING_INTERVAL", "1h"}, {"LIMITS_DECODERS", "1"}},
                                     inside_a_message_that_others_wait_for);
               }),
      deadline("for the answer to a close frame",
               {"limits.close_timeout", "WsLimits.close_timeout"}, seconds(3), "closed",
               [](auto n) {
                 return gone_after(n, {{"LIMITS_CLOSE_TIMEOUT", "3s"}}, told_to_close);
               }),
      deadline("of input dropped after a violation", {"ws_transport.h:kLinger"},
               WsTransport::kLinger, "closed",
               [](auto n) { return gone_after(n, {}, protocol_broken); }),
  };
}

Limits socket_deadlines() {
  return {
      deadline("for a client to take something",
               {"limits.write_timeout", "ConnectionLimits.send_timeout"}, seconds(3), "close 1006",
               [](auto n) {
                 return closed_after(n, {{"LIMITS_WRITE_TIMEOUT", "3s"}}, stuck);
               }),
      deadline("for the last bytes of a close", {"ConnectionLimits.flush_timeout"},
               ConnectionLimits().flush_timeout, "closed", last_bytes_took),
      deadline("for all of a request", {"limits.handshake_timeout", "HttpTimeouts.request"},
               seconds(3), "HTTP 408", request_took),
      deadline("between two requests", {"HttpTimeouts.idle"}, HttpTimeouts().idle, "closed",
               [](auto n) { return gone_after(n, {}, idle_http); }),
      deadline("of input dropped after a refused request", {"http_connection.h:kLinger"},
               HttpConnection::kLinger, "closed",
               [](auto n) { return gone_after(n, {}, refused_http); }),
      deadline("of input dropped after a refused connection", {"refusal.h:kLinger"},
               Refusal::kLinger, "closed", refusal_lingers),
      deadline("for clients to leave at a stop",
               {"limits.drain_timeout", "ClientShardOptions.drain_timeout"}, seconds(2), "closed",
               drained_after),
      deadline("of the shortest pause of a listener", {"listener.h:kShortestBackoff"},
               ListenerSet::kShortestBackoff, "accepts again",
               [](auto n) { return backed_off(n, 1); }),
      deadline("of the longest pause of a listener", {"listener.h:kLongestBackoff"},
               ListenerSet::kLongestBackoff, "accepts again",
               [](auto n) { return backed_off(n, 12); }),
      deadline("of a tick", {"timer_wheel.h:kTick"}, TimerWheel::kTick, "fired", fires_after),
  };
}

}  // namespace

Limits time_limits() {
  Limits all = protocol_deadlines();
  for (Limit& limit : socket_deadlines()) all.push_back(std::move(limit));
  return all;
}

}  // namespace millrace

// What waits while a client connects, what comes with its token, and what it may ask a channel's
// stream.
#include <memory>

#include "net/auth/token_maker.h"
#include "net/session/identity.h"
#include "net/session/pending_connects.h"
#include "net/session/session_desk.h"
#include "net/session/waiting_sessions.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"
#include "tests/support/plain_broker.h"
#include "tests/support/plain_sink.h"

namespace millrace {
namespace {

constexpr Bytes kSecret = "a-secret-that-is-only-for-tests-0123456789";
constexpr std::size_t kSmall = 1'000;
constexpr Duration kTokenLife = seconds(1);

// As configured, but with tokens that count.
ClientShardOptions with_tokens(const Settings& settings) {
  ClientShardOptions options = options_of(settings);
  options.sessions.insecure = false;
  options.sessions.namespaces.by_name["default"].subscribe = {.clients = true, .anonymous = true};
  TokenSettings tokens;
  tokens.hmac_secret = kSecret;
  auto keys = TokenKeys::load(tokens);
  CHECK(keys.ok());
  options.token_keys = std::make_shared<const TokenKeys>(std::move(*keys));
  return options;
}

std::string sign(const std::string& claims) {
  return sign_hs256(R"({"alg":"HS256"})", claims, kSecret);
}

std::string connect(const std::string& claims) {
  return R"({"id":1,"connect":{"token":")" + sign(claims) + R"("}})";
}

std::string end_of(ShardWorld& world) {
  return R"("exp":)" + std::to_string(world.calendar() + kTokenLife.to_ms() / 1'000);
}

Duration ms(std::uint64_t n) { return milliseconds(static_cast<std::int64_t>(n)); }

std::string token_held(std::uint64_t n) {
  ShardWorld world(with_tokens({{"LIMITS_TOKEN_GRACE", "3s"}}));
  const FileSlot client = world.open_websocket();
  world.send_text(client, connect("{" + end_of(world) + "}"));
  world.advance(kTokenLife);
  CHECK_EQ(counted_close(world.metrics()), "");
  world.advance(ms(n));
  return counted_close(world.metrics());
}

std::string subscription_held(std::uint64_t n) {
  ShardWorld world(with_tokens({{"LIMITS_SUBSCRIPTION_GRACE", "3s"}}));
  const FileSlot client = world.open_websocket();
  world.send_text(client, connect("{}") + "\n" +
                              R"({"id":2,"subscribe":{"channel":"news","token":")" +
                              sign(R"({"channel":"news",)" + end_of(world) + "}") + R"("}})");
  CHECK_EQ(world.texts(client).size(), 2U);
  world.advance(kTokenLife);
  CHECK(world.texts(client).empty());
  world.advance(ms(n));
  const auto texts = world.texts(client);
  if (texts.empty()) return "";
  CHECK_NE(texts[0].find(R"("code":2501)"), std::string::npos);
  return "unsubscribe 2501";
}

std::string channels_of_a_token(std::uint64_t n) {
  ShardWorld world(with_tokens({{"LIMITS_CHANNELS_PER_CONNECTION", "7"}}));
  std::string channels;
  for (std::uint64_t i = 0; i < n; ++i) {
    channels += (i == 0 ? "\"c" : ",\"c") + std::to_string(i) + "\"";
  }
  const FileSlot client = world.open_websocket();
  world.send_text(client, connect(R"({"channels":[)" + channels + "]}"));
  const std::string closed = counted_close(world.metrics());
  CHECK_EQ(world.metrics().subscriptions, closed.empty() ? n : 0U);
  return closed;
}

// --- streams -------------------------------------------------------------------------------------

void publish(ShardWorld& world, Bytes channel, std::size_t data_bytes = 2) {
  const FileSlot api = world.connect();
  world.send(api, publish_request(channel, data_bytes));
  CHECK_EQ(http_status(world.ring().take_sent(api)), 200U);
}

std::size_t publications_in(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(R"({"data":)"); at != std::string::npos;
       at = text.find(R"({"data":)", at + 1)) {
    ++count;
  }
  return count;
}

std::size_t history(ShardWorld& world) {
  const FileSlot client = world.open_client();
  world.send_text(client, R"({"id":2,"history":{"channel":"news","limit":-1}})");
  const auto texts = world.texts(client);
  CHECK_EQ(texts.size(), 1U);
  return publications_in(texts[0]);
}

std::string history_page(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_HISTORY_PAGE", "6"}});
  for (std::uint64_t i = 0; i < n; ++i) publish(world, "news");
  return unless(history(world) == n, "cut");
}

std::string kept_publications(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_HISTORY_PUBLICATIONS", "9"}});
  for (std::uint64_t i = 0; i < n; ++i) publish(world, "news");
  return unless(history(world) == n, "oldest dropped");
}

// Each costs 40 bytes more than its data.
std::string kept_bytes(std::uint64_t n) {
  constexpr std::size_t kHead = 40;
  constexpr std::size_t kFirst = 100;
  ConfigWorld world(
      Settings{{"LIMITS_HISTORY_BYTES", "64KiB"}, {"LIMITS_PUBLICATION_SIZE", "64KiB"}});
  publish(world, "news", kFirst);
  publish(world, "news", n - kFirst - 2 * kHead);
  return unless(history(world) == 2, "oldest dropped");
}

std::string recovered(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_RECOVERY_PAGE", "5"}});
  const FileSlot client = world.open_client();
  const auto ask = [&world, client](const std::string& command) {
    world.send_text(client, command);
    return world.texts(client).at(0);
  };
  const std::string first = ask(R"({"id":2,"subscribe":{"channel":"news"}})");
  const std::size_t epoch = first.find(R"("epoch":")");
  CHECK_NE(epoch, std::string::npos);
  ask(R"({"id":3,"unsubscribe":{"channel":"news"}})");
  for (std::uint64_t i = 0; i < n; ++i) publish(world, "news");
  const std::string back = ask(R"({"id":4,"subscribe":{"channel":"news","recover":true,)" +
                               first.substr(epoch, first.find('"', epoch + 9) - epoch + 1) + "}}");
  const bool whole = back.find(R"("recovered":true)") != std::string::npos;
  CHECK_EQ(publications_in(back), whole ? n : 0U);
  return unless(whole, "not recovered");
}

std::string position_looked_at(std::uint64_t n) {
  ClientShardOptions options = options_of({{"LIMITS_POSITION_CHECK", "20s"}});
  options.memory_broker.streams.streams = 1;
  ShardWorld world(options);
  const FileSlot client = world.open_client();
  world.send_text(client, R"({"id":2,"subscribe":{"channel":"news"}})");
  CHECK_EQ(world.texts(client).size(), 1U);
  publish(world, "other");  // of the first nothing is known any more
  world.advance(ms(n));
  const auto texts = world.texts(client);
  if (texts.empty()) return "";
  CHECK_NE(texts[0].find(R"("code":2500)"), std::string::npos);
  return "unsubscribe 2500";
}

std::string members(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_PRESENCE_MEMBERS", "4"}});
  FileSlot client{};
  for (std::uint64_t i = 0; i < n; ++i) {
    client = world.open_client();
    world.send_text(client, R"({"id":2,"subscribe":{"channel":"news"}})");
    CHECK_EQ(world.texts(client).size(), 1U);
  }
  world.send_text(client, R"({"id":3,"presence_stats":{"channel":"news"}})");
  const std::string all = R"("num_clients":)" + std::to_string(n) + ",";
  return unless(world.texts(client).at(0).find(all) != std::string::npos, "not listed");
}

// --- waiting -------------------------------------------------------------------------------------

class NoResumer final : public SessionResumer {
 public:
  void resume(ConnId, Instant) override {}
};

std::string verified(std::uint64_t n) {
  NoResumer nobody;
  WaitingSessions waiting(nobody);
  bool all = true;
  for (std::uint64_t i = 0; i < n; ++i) all &= waiting.may_verify();
  return unless(all, "next turn");
}

std::string frames_kept(std::uint64_t n) {
  NoResumer nobody;
  WaitingSessions waiting(nobody);
  bool all = true;
  for (std::uint64_t i = 0; i < n; ++i) all &= waiting.keep({1, 1}, "{}");
  return unless(all, "close 3013");
}

std::string bytes_kept(std::uint64_t n) {
  NoResumer nobody;
  WaitingSessions waiting(nobody);
  return unless(waiting.keep({1, 1}, std::string(n, 'x')), "close 3013");
}

std::string bytes_held(std::uint64_t n) {
  PendingConnect connect(1, {.queue_bytes = 4 * kSmall});
  return unless(connect.hold(SharedBytes::copy_of(std::string(n, 'x'))), "close 3004");
}

std::string bytes_recovered(std::uint64_t n) {
  const std::string data(n - StreamStore::kPageEnvelope, 'x');
  const KeptPublication missed{.offset = 1, .data = data};
  SubscribeOutcome outcome;
  outcome.recovered = true;
  outcome.publications = {&missed, 1};
  PendingConnect connect(1, {.queue_bytes = 2 * kSmall});
  PendingConnect::Channel channel;
  connect.note(channel, outcome);
  return unless(channel.outcome.recovered, "not recovered");
}

// It never tells a position.
class SilentBroker final : public PlainBroker {
 public:
  bool add_interest(Bytes, InterestToken) override { return true; }
  void remove_interest(Bytes) override {}
  void publish(const Publication&, const StreamOptions&, RequestToken, Instant) override {}
};

std::string joins(std::uint64_t n) {
  ShardMetrics metrics;
  PlainSink sink;
  SilentBroker broker;
  Hub hub(sink, metrics, {.joins = 6});
  hub.set_broker(broker);
  std::string refused;
  for (std::uint64_t i = 0; i < n; ++i) {
    SubscribeOptions options;
    options.positioned = true;
    options.stream = {10, seconds(10), seconds(10)};
    const auto outcome = hub.subscribe(static_cast<SubscriberId>(i), "news", options, Instant{});
    if (outcome == Hub::Subscribe::kBusy) refused = "error 111";
  }
  for (std::uint64_t i = 0; i < n; ++i) hub.drop(static_cast<SubscriberId>(i), Instant{});
  return refused;
}

Limit deadline(const char* name, std::vector<std::string> covers, std::uint64_t value,
               const char* refusal, std::string (*attempt)(std::uint64_t)) {
  return {.name = name,
          .covers = std::move(covers),
          .value = value,
          .unit = "ms",
          .refusal = refusal,
          .attempt = attempt,
          .edge = Edge::kDeadline};
}

}  // namespace

Limits client_limits() {
  Limits all;
  const auto add = [&all](const char* name, std::vector<std::string> covers, std::uint64_t value,
                          const char* unit, const char* refusal,
                          std::string (*attempt)(std::uint64_t)) {
    all.push_back({.name = name,
                   .covers = std::move(covers),
                   .value = value,
                   .unit = unit,
                   .refusal = refusal,
                   .attempt = attempt});
  };
  all.push_back(deadline("time beyond a connection token's end",
                         {"limits.token_grace", "SessionSettings.token_grace"}, 3'000, "close 3005",
                         token_held));
  all.push_back(deadline("time beyond a subscription token's end",
                         {"limits.subscription_grace", "SessionSettings.subscription_grace"}, 3'000,
                         "unsubscribe 2501", subscription_held));
  all.push_back(deadline(
      "time between two looks at a part of the positions",
      {"limits.position_check", "SessionSettings.position_check", "session_desk.h:kPositionSteps"},
      20'000 / SessionDesk::kPositionSteps, "unsubscribe 2500", position_looked_at));
  add("channels of a connection token", {"SessionSettings.channels_per_connection"}, 7, "channels",
      "close 3505", channels_of_a_token);
  add("publications of a page of history", {"limits.history_page", "SessionSettings.history_page"},
      6, "publications", "cut", history_page);
  add("publications that are recovered",
      {"limits.recovery_page", "SessionSettings.recovery_page", "SubscribeOptions.recovery_limit"},
      5, "publications", "not recovered", recovered);
  add("publications kept of all channels", {"limits.history_publications"}, 9, "publications",
      "oldest dropped", kept_publications);
  add("bytes kept of all channels", {"limits.history_bytes"}, 64 * 1'024, "bytes", "oldest dropped",
      kept_bytes);
  add("members of all channels", {"limits.presence_members"}, 4, "members", "not listed", members);
  add("tokens verified in a turn", {"waiting_sessions.h:kVerificationsATurn"},
      WaitingSessions::kVerificationsATurn, "tokens", "next turn", verified);
  add("frames of a client that waits", {"waiting_sessions.h:kMaxFrames"},
      WaitingSessions::kMaxFrames, "frames", "close 3013", frames_kept);
  add("bytes of a client that waits", {"waiting_sessions.h:kMaxBytes"}, WaitingSessions::kMaxBytes,
      "bytes", "close 3013", bytes_kept);
  add("bytes for a client that connects", {"SessionSettings.queue_bytes"}, kSmall, "bytes",
      "close 3004", bytes_held);
  add("bytes recovered with a connect reply", {"SessionSettings.queue_bytes"}, kSmall, "bytes",
      "not recovered", bytes_recovered);
  add("subscribes that wait for a stream", {"HubLimits.joins"}, 6, "subscribes", "error 111",
      joins);
  return all;
}

}  // namespace millrace

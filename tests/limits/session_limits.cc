// What a client of the protocol may ask for: commands, channels, publications.
#include "core/hub/subscription_list.h"
#include "net/session/fanout.h"
#include "net/session/identity.h"
#include "net/session/session_desk.h"
#include "proto/command_decoder.h"
#include "proto/fossil_delta.h"
#include "proto/json_fields.h"
#include "proto/json_text.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"
#include "tests/support/plain_broker.h"
#include "tests/support/plain_sink.h"

namespace millrace {
namespace {

class Counter final : public CommandSink {
 public:
  bool on_command(const Command&, Bytes) override {
    ++count;
    return true;
  }
  std::size_t count = 0;
};

std::string decode(const std::string& frame) {
  JsonCommandDecoder decoder;
  Counter counter;
  const auto outcome = decoder.decode(frame, counter);
  CHECK_EQ(outcome == JsonCommandDecoder::Outcome::kBad, !decoder.bad_reason().empty());
  return unless(outcome == JsonCommandDecoder::Outcome::kDone, "bad frame");
}

std::string nested_json(std::size_t depth) {
  JsonValidator validator;
  std::string text(depth, '[');
  text.append(depth, ']');
  return unless(validator.valid(text), "not JSON");
}

// All in one client, which counts as one subscriber of each.
std::string subscribe(const Settings& settings, std::uint64_t channels) {
  ConfigWorld world(settings);
  const FileSlot client = world.open_client();
  std::string refused;
  for (std::uint64_t i = 0; i < channels; ++i) {
    const std::string id = std::to_string(i + 2);
    world.send_text(client, R"({"id":)" + id + R"(,"subscribe":{"channel":"c)" + id + R"("}})");
    const auto texts = world.texts(client);
    CHECK_EQ(texts.size(), 1U);
    if (texts[0].find("error") == std::string::npos) continue;
    CHECK_EQ(i + 1, channels);  // none but the last
    CHECK_NE(texts[0].find(R"("code":106)"), std::string::npos);
    refused = "error 106";
  }
  CHECK_EQ(world.metrics().subscriptions, refused.empty() ? channels : channels - 1);
  return refused;
}

std::string client_publish(std::size_t data_bytes) {
  ConfigWorld world(Settings{{"LIMITS_PUBLICATION_SIZE", "2KiB"}});
  const FileSlot client = world.open_client();
  world.send_text(client, R"({"id":2,"publish":{"channel":"news","data":")" +
                              std::string(data_bytes - 2, 'x') + R"("}})");
  const auto texts = world.texts(client);
  CHECK_EQ(texts.size(), 1U);
  if (texts[0].find(R"("code":107)") != std::string::npos) return "error 107";
  CHECK_EQ(texts[0], R"({"id":2,"publish":{}})");
  return "";
}

std::string requests_in_flight(std::uint64_t n) {
  ShardMetrics metrics;
  ManualClock clock;
  RecvBuffers buffers(1, 64);
  MemRing ring(buffers);
  Reactor reactor(ring, clock);
  ConnectionTable table(reactor, buffers, metrics, {});
  const ClientCodecs codecs;
  Fanout fanout(table, metrics, codecs.encoders());
  bool all = true;
  for (std::uint64_t i = 0; i < n; ++i) all &= fanout.begin({1, 1}, 0).has_value();
  return unless(all, "error 111");
}

class WillingBroker final : public PlainBroker {
 public:
  bool add_interest(Bytes, InterestToken) override { return true; }
  void remove_interest(Bytes) override {}
  void publish(const Publication&, const StreamOptions&, RequestToken, Instant) override {}
};

// With the highest value that the key takes, which the hub must be able to hold.
std::string channels_at_the_keys_maximum(std::uint64_t n) {
  const ConfigKey* key = find_key("limits", "channels_per_connection");
  ShardMetrics metrics;
  PlainSink sink;
  WillingBroker broker;
  Hub hub(sink, metrics,
          {.channels = 1U << 20, .channels_per_subscriber = static_cast<std::uint32_t>(key->max)});
  hub.set_broker(broker);
  std::string refused;
  for (std::uint64_t i = 0; i < n; ++i) {
    if (hub.subscribe(0, "c" + std::to_string(i), {}, Instant{}) ==
        Hub::Subscribe::kSubscriberLimit) {
      refused = "subscriber limit";
    }
  }
  hub.drop(0, Instant{});
  return refused;
}

std::string known_subscriptions(std::uint64_t n) {
  std::string frame = R"({"id":1,"connect":{"subs":{)";
  for (std::uint64_t i = 0; i < n; ++i) {
    frame += (i == 0 ? "\"c" : ",\"c") + std::to_string(i) + "\":{}";
  }
  return decode(frame + "}}}");
}

std::string delta_of(std::size_t bytes) {
  const std::string payload(bytes, 'a');
  std::string patch;
  return unless(make_fossil_delta(payload, payload, patch), "no patch");
}

Limits limits_of_commands() {
  return {
      {.name = "commands of a frame",
       .covers = {"command_decoder.h:kMaxCommandsPerFrame"},
       .value = kMaxCommandsPerFrame,
       .unit = "commands",
       .refusal = "bad frame",
       .attempt =
           [](auto n) {
             std::string frame;
             for (std::uint64_t i = 0; i < n; ++i) frame += "{}\n";
             return decode(frame);
           }},
      {.name = "id of a command",
       .covers = {},
       .value = UINT32_MAX,
       .unit = "",
       .refusal = "bad frame",
       .attempt =
           [](auto n) { return decode(R"({"id":)" + std::to_string(n) + R"(,"connect":{}})"); }},
      {.name = "least id of a command",
       .covers = {},
       .value = 1,
       .unit = "",
       .refusal = "bad frame",
       .attempt =
           [](auto n) { return decode(R"({"id":)" + std::to_string(n) + R"(,"connect":{}})"); },
       .edge = Edge::kLeast},
      {.name = "arrays and objects inside each other",
       .covers = {"json_text.h:kMaxJsonDepth"},
       .value = kMaxJsonDepth,
       .unit = "levels",
       .refusal = "not JSON",
       .attempt = nested_json},
      {.name = "subscriptions that a client knows as it connects",
       .covers = {"json_fields.h:kMaxKnownSubscriptions"},
       .value = JsonFieldReader::kMaxKnownSubscriptions,
       .unit = "channels",
       .refusal = "bad frame",
       .attempt = known_subscriptions},
      {.name = "payload that a delta is tried for",
       .covers = {"fossil_delta.h:kMaxFossilInput"},
       .value = kMaxFossilInput,
       .unit = "bytes",
       .refusal = "no patch",
       .attempt = delta_of},
  };
}

Limits limits_of_channels() {
  const auto most_channels = find_key("limits", "channels_per_connection")->max;
  return {
      {.name = "channels of a client",
       .covers = {"limits.channels_per_connection", "HubLimits.channels_per_subscriber"},
       .value = 7,
       .unit = "channels",
       .refusal = "error 106",
       .attempt =
           [](auto n) {
             return subscribe({{"LIMITS_CHANNELS_PER_CONNECTION", "7"}}, n);
           }},
      {.name = "channels of a client, with the key at its maximum",
       .covers = {"subscription_list.cc:kMaxEntries"},
       .value = static_cast<std::uint64_t>(most_channels),
       .unit = "channels",
       .refusal = "subscriber limit",
       .attempt = channels_at_the_keys_maximum},
      {.name = "channels of a shard",
       .covers = {"limits.channels_per_shard", "HubLimits.channels"},
       .value = 5,
       .unit = "channels",
       .refusal = "error 106",
       .attempt =
           [](auto n) {
             return subscribe({{"LIMITS_CHANNELS_PER_SHARD", "5"}}, n);
           }},
      {.name = "publication by a client",
       .covers = {"limits.publication_size"},
       .value = 2'048,
       .unit = "bytes",
       .refusal = "error 107",
       .attempt = client_publish},
      {.name = "user id of a client",
       .covers = {"identity.h:kMaxUser"},
       .value = Identity::kMaxUser,
       .unit = "bytes",
       .refusal = "no identity",
       .attempt =
           [](auto n) {
             return unless(Identity::make({.user = std::string(n, 'u')}).has_value(),
                           "no identity");
           }},
      {.name = "info of a connection",
       .covers = {"identity.h:kMaxInfo"},
       .value = Identity::kMaxInfo,
       .unit = "bytes",
       .refusal = "no identity",
       .attempt =
           [](auto n) {
             return unless(Identity::make({.info = std::string(n, 'i')}).has_value(),
                           "no identity");
           }},
      {.name = "questions and publications of a shard in flight",
       .covers = {"fanout.h:kMaxRequests"},
       .value = Fanout::kMaxRequests,
       .unit = "requests",
       .refusal = "error 111",
       .attempt = requests_in_flight},
  };
}

}  // namespace

Limits session_limits() {
  Limits all = limits_of_commands();
  for (Limit& limit : limits_of_channels()) all.push_back(std::move(limit));
  return all;
}

}  // namespace millrace

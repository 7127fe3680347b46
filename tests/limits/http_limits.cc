// Requests of HTTP, as they reach a shard.
#include "net/http/upgrade.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

// "HTTP STATUS" if the request was refused as one; what it asks for is not the question here.
std::string outcome_of(const Settings& settings, const std::string& request, unsigned accepted) {
  ConfigWorld world(settings);
  const FileSlot client = world.connect();
  world.send(client, request);
  const unsigned status = http_status(world.ring().take_sent(client));
  const auto refused = static_cast<std::size_t>(RejectReason::kHandshake);
  CHECK_EQ(world.metrics().rejected_total[refused], status == accepted ? 0U : 1U);
  return unless(status == accepted, "HTTP " + std::to_string(status));
}

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string with_head_of(std::size_t bytes) {
  const std::size_t around = get("/", "X: \r\n").size();
  return get("/", "X: " + std::string(bytes - around, 'x') + "\r\n");
}

std::string with_fields(std::size_t count) {
  std::string fields;
  for (std::size_t i = 1; i < count; ++i) fields += "X: y\r\n";  // and Host
  return get("/", fields);
}

std::string with_body_of(std::size_t bytes) {
  return "POST /api/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: " + std::string(kWorldKey) +
         "\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, ' ');
}

std::string api_publish(std::size_t data_bytes) {
  ConfigWorld world;
  const FileSlot client = world.connect();
  world.send(client, publish_request("news", data_bytes));
  const std::string answer = world.ring().take_sent(client);
  CHECK_EQ(http_status(answer), 200U);
  const bool accepted = answer.find(R"({"result":{)") != std::string::npos;
  CHECK_EQ(world.metrics().api_publishes_total, accepted ? 1U : 0U);
  return unless(accepted, answer.find(R"("code":107)") != std::string::npos ? "error 107" : answer);
}

std::string shown_origin(std::size_t bytes) {
  HttpRequest request;
  const std::string origin = "http://" + std::string(bytes - 7, 'x');
  request.method = "GET";
  request.target = request.path = "/connection/websocket";
  request.fields = {{"Host", "a"},
                    {"Upgrade", "websocket"},
                    {"Connection", "Upgrade"},
                    {"Sec-WebSocket-Version", "13"},
                    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                    {"Origin", origin}};
  const UpgradeDecision decision = decide_upgrade(request, {}, {{"http://other"}});
  CHECK_EQ(decision.status, 403U);
  return unless(decision.response.find(origin) != std::string::npos, "cut");
}

}  // namespace

Limits http_limits() {
  const HttpLimits limits;
  const std::size_t body_bytes = options_of({}).http.body_bytes;
  return {
      {.name = "head of a request",
       .covers = {"HttpLimits.head_bytes"},
       .value = limits.head_bytes,
       .unit = "bytes",
       .refusal = "HTTP 431",
       .attempt = [](auto n) { return outcome_of({}, with_head_of(n), 200); }},
      {.name = "fields of a request",
       .covers = {"HttpLimits.fields"},
       .value = limits.fields,
       .unit = "fields",
       .refusal = "HTTP 431",
       .attempt = [](auto n) { return outcome_of({}, with_fields(n), 200); }},
      {.name = "target of a request",
       .covers = {"HttpLimits.target_bytes"},
       .value = limits.target_bytes,
       .unit = "bytes",
       .refusal = "HTTP 414",
       .attempt = [](auto n) { return outcome_of({}, get("/?" + std::string(n - 2, 'x')), 200); }},
      {.name = "body of a request",
       .covers = {"HttpLimits.body_bytes", "server.cc:kEnvelope"},
       .value = body_bytes,
       .unit = "bytes",
       .refusal = "HTTP 413",
       .attempt = [](auto n) { return outcome_of({}, with_body_of(n), 400); }},
      {.name = "publication by the server API",
       .covers = {"SessionSettings.publication_bytes"},
       .value = Config().limits.publication_size,
       .unit = "bytes",
       .refusal = "error 107",
       .attempt = api_publish},
      {.name = "refused origin as an answer shows it",
       .covers = {"upgrade.cc:kShownOriginBytes"},
       .value = 200,
       .unit = "bytes",
       .refusal = "cut",
       .attempt = shown_origin},
  };
}

}  // namespace millrace

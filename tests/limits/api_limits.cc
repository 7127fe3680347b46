// The server API: what a call may hold, and how many there may be.
#include "net/api/api_desk.h"
#include "net/api/api_door.h"
#include "net/api/node_answer.h"
#include "net/session/session_walk.h"
#include "tests/limits/limit.h"
#include "tests/support/api_world.h"

namespace millrace {
namespace {

constexpr const char* kBadRequest = "error 107";
constexpr const char* kBusy = "error 111";

std::string read(ApiMethod method, const std::string& body) {
  ApiReader reader;
  const auto request = reader.read(method, body, 1'800'000'000);
  if (request.ok()) return "";
  if (request.error().malformed) return "HTTP 400";
  return "error " + std::to_string(static_cast<unsigned>(request.error().code));
}

std::string list(std::uint64_t count, const std::string& element) {
  std::string all = "[";
  for (std::uint64_t i = 0; i < count; ++i) all += (i == 0 ? "" : ",") + element;
  return all + "]";
}

std::string text(std::uint64_t bytes) { return "\"" + std::string(bytes, 'x') + "\""; }

std::string members(std::uint64_t count) {
  std::string body = R"({"user":"u")";
  for (std::uint64_t i = 1; i < count; ++i) body += ",\"m" + std::to_string(i) + "\":1";
  return read(ApiMethod::kDisconnect, body + "}");
}

std::string disconnect(const std::string& member) {
  return read(ApiMethod::kDisconnect, R"({"user":"u",)" + member + "}");
}

std::string code_of(std::uint64_t code) {
  return disconnect(R"("disconnect":{"code":)" + std::to_string(code) + "}");
}

// The last of so many keys, all on their way.
std::string keyed(std::uint64_t count) {
  KeyedPublications keys;
  auto begun = KeyedPublications::Begun::kFirst;
  for (std::uint64_t i = 0; i < count; ++i) {
    begun = keys.begin("a", std::to_string(i), {}, Instant{1}).begun;
  }
  return unless(begun == KeyedPublications::Begun::kFirst, kBusy);
}

std::string key_of_age(std::uint64_t seconds_old) {
  KeyedPublications keys;
  const auto first = keys.begin("a", "k", {}, Instant{1});
  static_cast<void>(keys.finish(first.id, true, {}));
  const Instant then = Instant{1} + seconds(static_cast<std::int64_t>(seconds_old));
  const auto again = keys.begin("a", "k", {}, then);
  return unless(again.begun == KeyedPublications::Begun::kKnown, "published again");
}

// Nobody turns, so each waits for the other shard.
std::string calls(std::uint64_t count, ApiMethod method) {
  ApiWorld world;
  std::uint64_t last = 0;
  for (std::uint64_t i = 0; i < count; ++i) last = world.begin(method, R"({"user":"u"})");
  const std::string answer = world.answer(last);
  world.turn();
  world.turn();
  return unless(answer.empty(), kBusy);
}

std::string series(std::uint64_t bytes) {
  ClientShardOptions options = SessionWorld::options();
  options.sessions.publication_bytes = 2 * ApiDesk::kMaxSeriesBytes;
  ApiWorld world(2, options);
  // The first step waits for the other shard, and the rest for it.
  const std::string order = R"({"user":"u"})";
  const std::string params = "\"" + std::string(bytes - order.size() - 2, 'x') + "\"";
  const std::uint64_t call =
      world.begin(ApiMethod::kBatch,
                  R"({"commands":[{"disconnect":)" + order + R"(},{"info":)" + params + "}]}");
  const std::string answer = world.answer(call);
  world.turn();
  return unless(answer.empty(), kBusy);
}

// The least that waits so long that the others' answers are missed.
std::string patience(std::uint64_t ms) {
  ApiWorld world;
  const std::uint64_t call = world.begin(ApiMethod::kDisconnect, R"({"user":"u"})");
  world.clock().advance(milliseconds(static_cast<std::int64_t>(ms)));
  world.turn_one(0);
  const std::string answer = world.answer(call);
  world.turn();
  return unless(answer.empty(), "error 100");
}

class Visitor final : public SessionVisitor {
 public:
  void visit(Session&, Instant) override {}
  void done(Instant) override {}
};

std::string visitors(std::uint64_t count) {
  SessionWorld world;
  bool taken = true;
  for (std::uint64_t i = 0; i < count; ++i) {
    taken = world.shard().desk().walk().add("u", std::make_unique<Visitor>());
  }
  world.turn();
  return unless(taken, kBusy);
}

std::string listed(std::uint64_t bytes) {
  Gathering gathering;
  gathering.expect_shares(1);
  ApiShare share;
  for (std::uint64_t left = bytes; left > 0;) {
    // Names of 100 bytes, and a last one of what is left.
    const std::uint64_t size = left >= 400 ? 132 : left > 200 ? 132 : left;
    std::string name = std::to_string(left) + "-";
    name.resize(size - ChannelListing::kListedEnvelope, 'x');
    share.listed.emplace_back(name, 1);
    left -= size;
  }
  gathering.add(std::move(share));
  return unless(!gathering.outcome(ApiMethod::kChannels, {}).error, "error 106");
}

std::string nodes(std::uint64_t count, std::uint64_t name_bytes) {
  JsonValidator validator;
  const std::string body =
      R"({"result":{"nodes":)" + list(count, R"({"name":)" + text(name_bytes) + "}") + "}}";
  return unless(!read_node_answer(validator, ApiMethod::kInfo, body).error, "error 100");
}

Limits limits_of_bodies() {
  return {
      {.name = "members of an object in a call of the API",
       .covers = {"api_request.h:kMaxApiMembers"},
       .value = kMaxApiMembers,
       .unit = "members",
       .refusal = "HTTP 400",
       .attempt = members},
      {.name = "channels of a broadcast",
       .covers = {"api_request.h:kMaxBroadcastChannels"},
       .value = kMaxBroadcastChannels,
       .unit = "channels",
       .refusal = kBadRequest,
       .attempt =
           [](auto n) {
             return read(ApiMethod::kBroadcast,
                         R"({"data":1,"channels":)" + list(n, "\"a\"") + "}");
           }},
      {.name = "commands of a batch",
       .covers = {"api_request.h:kMaxBatchCommands"},
       .value = kMaxBatchCommands,
       .unit = "commands",
       .refusal = kBadRequest,
       .attempt =
           [](auto n) {
             return read(ApiMethod::kBatch, R"({"commands":)" + list(n, R"({"info":{}})") + "}");
           }},
      {.name = "whitelist of a disconnect",
       .covers = {"api_request.h:kMaxWhitelist"},
       .value = kMaxWhitelist,
       .unit = "clients",
       .refusal = kBadRequest,
       .attempt = [](auto n) { return disconnect("\"whitelist\":" + list(n, "\"c\"")); }},
  };
}

Limits limits_of_names() {
  return {
      {.name = "user in a call of the API",
       .covers = {"api_request.h:kMaxApiUser"},
       .value = kMaxApiUser,
       .unit = "bytes",
       .refusal = kBadRequest,
       .attempt =
           [](auto n) { return read(ApiMethod::kDisconnect, "{\"user\":" + text(n) + "}"); }},
      {.name = "client or session id in a call of the API",
       .covers = {"api_request.h:kMaxApiClient"},
       .value = kMaxApiClient,
       .unit = "bytes",
       .refusal = kBadRequest,
       .attempt = [](auto n) { return disconnect("\"client\":" + text(n)); }},
      {.name = "pattern of channels",
       .covers = {"api_request.h:kMaxApiPattern"},
       .value = kMaxApiPattern,
       .unit = "bytes",
       .refusal = kBadRequest,
       .attempt =
           [](auto n) { return read(ApiMethod::kChannels, "{\"pattern\":" + text(n) + "}"); }},
      {.name = "idempotency key",
       .covers = {"api_request.h:kMaxIdempotencyKey"},
       .value = kMaxIdempotencyKey,
       .unit = "bytes",
       .refusal = kBadRequest,
       .attempt =
           [](auto n) {
             return read(ApiMethod::kPublish,
                         R"({"channel":"a","data":1,"idempotency_key":)" + text(n) + "}");
           }},
      {.name = "info in a call of the API",
       .covers = {"api_request.h:kMaxApiInfo"},
       .value = kMaxApiInfo,
       .unit = "bytes",
       .refusal = kBadRequest,
       .attempt =
           [](auto n) {
             return read(ApiMethod::kRefresh, R"({"user":"u","info":)" + text(n - 2) + "}");
           }},
  };
}

Limits limits_of_ends() {
  return {
      {.name = "reason of a disconnect",
       .covers = {"api_request.h:kMaxDisconnectReason"},
       .value = kMaxDisconnectReason,
       .unit = "bytes",
       .refusal = kBadRequest,
       .attempt = [](auto n) { return disconnect(R"("disconnect":{"reason":)" + text(n) + "}"); }},
      {.name = "code of a disconnect, at least",
       .covers = {"api_request.h:kLeastDisconnectCode"},
       .value = kLeastDisconnectCode,
       .refusal = kBadRequest,
       .attempt = code_of,
       .edge = Edge::kLeast},
      {.name = "code of a disconnect",
       .covers = {"api_request.h:kMaxDisconnectCode"},
       .value = kMaxDisconnectCode,
       .refusal = kBadRequest,
       .attempt = code_of},
      {.name = "inbox that the API answers to",
       .covers = {"api_door.h:kMaxInbox"},
       .value = ApiDoor::kMaxInbox,
       .unit = "bytes",
       .refusal = "not answered",
       .attempt =
           [](auto n) {
             return unless(is_reply_inbox("_" + std::string(n - 1, 'x')), "not answered");
           }},
      {.name = "nodes in one node's answer",
       .covers = {"node_answer.h:kMaxNodesListed"},
       .value = kMaxNodesListed,
       .unit = "nodes",
       .refusal = "error 100",
       .attempt = [](auto n) { return nodes(n, 1); }},
      {.name = "name of a node in its answer",
       .covers = {"node_answer.h:kMaxNodeInfoText"},
       .value = kMaxNodeInfoText,
       .unit = "bytes",
       .refusal = "error 100",
       .attempt = [](auto n) { return nodes(1, n); }},
  };
}

Limits limits_of_calls() {
  return {
      {.name = "calls of the API at a time, a shard",
       .covers = {"api_desk.h:kMaxCalls"},
       .value = ApiDesk::kMaxCalls,
       .unit = "calls",
       .refusal = kBusy,
       .attempt = [](auto n) { return calls(n, ApiMethod::kDisconnect); }},
      {.name = "lists of channels and counts at a time, a shard",
       .covers = {"api_desk.h:kMaxSurveys"},
       .value = ApiDesk::kMaxSurveys,
       .unit = "calls",
       .refusal = kBusy,
       .attempt = [](auto n) { return calls(n, ApiMethod::kInfo); }},
      {.name = "what batches on their way hold, a shard",
       .covers = {"api_desk.h:kMaxSeriesBytes"},
       .value = ApiDesk::kMaxSeriesBytes,
       .unit = "bytes",
       .refusal = kBusy,
       .attempt = series},
      {.name = "answers of all shards and nodes to a call",
       .covers = {"api_desk.h:kPatience"},
       .value = static_cast<std::uint64_t>(ApiDesk::kPatience.ns / 1'000'000),
       .unit = "ms",
       .refusal = "error 100",
       .attempt = patience,
       .edge = Edge::kDeadline,
       .step = static_cast<std::uint64_t>(TimerWheel::kTick.ns / 1'000'000)},
      {.name = "idempotency keys on their way, a shard",
       .covers = {"keyed_publications.h:kMaxKeys"},
       .value = KeyedPublications::kMaxKeys,
       .unit = "keys",
       .refusal = kBusy,
       .attempt = keyed},
      {.name = "age of an idempotency key",
       .covers = {"keyed_publications.h:kKeyAge"},
       .value = static_cast<std::uint64_t>(KeyedPublications::kKeyAge.to_seconds()),
       .unit = "s",
       .refusal = "published again",
       .attempt = key_of_age,
       .edge = Edge::kDeadline},
      {.name = "orders that walk over the connections, a shard",
       .covers = {"session_walk.h:kMaxVisitors"},
       .value = SessionWalk::kMaxVisitors,
       .unit = "orders",
       .refusal = kBusy,
       .attempt = visitors},
      {.name = "names of channels in a list, 32 bytes added to each",
       .covers = {"channel_listing.h:kMaxListedBytes", "channel_listing.h:kListedEnvelope"},
       .value = ChannelListing::kMaxListedBytes,
       .unit = "bytes",
       .refusal = "error 106",
       .attempt = listed},
  };
}

}  // namespace

Limits api_limits() {
  Limits all = limits_of_bodies();
  for (const auto more : {limits_of_names, limits_of_ends, limits_of_calls}) {
    for (Limit& limit : more()) all.push_back(std::move(limit));
  }
  return all;
}

}  // namespace millrace

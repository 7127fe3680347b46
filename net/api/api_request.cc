#include "net/api/api_request.h"

#include <cstdint>
#include <utility>

#include "core/base/assert.h"
#include "net/api/api_members.h"
#include "net/api/revoke_request.h"
#include "net/auth/base64url.h"
#include "proto/json_string.h"

namespace millrace {

namespace {

using Read = ApiReader::Read;

// --- publishing ----------------------------------------------------------------------------------

void take_publish(ApiMembers& members, ApiPublish& publish) {
  // The application would believe in what is not there.
  for (const Bytes name : {"tags", "version", "version_epoch"}) {
    const auto value = members.find(name);
    if (value && *value != "{}" && *value != "0" && *value != R"("")") {
      members.refuse(ErrorCode::kNotAvailable, "`" + std::string(name) + "` is not available");
    }
  }
  publish.skip_history = members.flag("skip_history");
  static_cast<void>(members.flag("delta"));  // the namespace decides
  publish.idempotency_key = members.text("idempotency_key", kMaxIdempotencyKey);
  const auto encoded = members.find("b64data");
  if (encoded) {
    const auto text = json_string(*encoded);
    publish.binary = true;
    if (!text || !decode_base64(*text, publish.data)) members.malformed("`b64data` is not base64");
    return;
  }
  // Any JSON, and so `null` too.
  if (const auto data = members.raw("data")) append_json_value(publish.data, *data);
  if (publish.data.empty()) members.refuse(ErrorCode::kBadRequest, "`data` is missing");
}

Read read_publish(ApiMembers& members) {
  ApiPublish publish;
  publish.channel = members.channel("channel");
  take_publish(members, publish);
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(publish));
}

Read read_broadcast(ApiMembers& members) {
  ApiBroadcast broadcast;
  broadcast.channels = members.texts("channels", kMaxBroadcastChannels, SIZE_MAX);
  if (broadcast.channels.empty()) {
    members.refuse(ErrorCode::kBadRequest, "`channels` is missing");
  }
  take_publish(members, broadcast.publish);
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(broadcast));
}

// --- users ---------------------------------------------------------------------------------------

ApiWho read_who(ApiMembers& members) {
  return {.user = members.needed_text("user", kMaxApiUser),
          .client = members.text("client", kMaxApiClient),
          .session = members.text("session", kMaxApiClient)};
}

// {"presence":{"value":true},..}
void take_override(ApiMembers& members, ClaimedSubscription& sub) {
  const auto value = members.find("override");
  if (!value) return;
  ApiMembers overrides(*value);
  const auto take = [&](Bytes name, std::optional<bool>& out) {
    const auto said = overrides.find(name);
    if (!said || !overrides.ok()) return;
    ApiMembers one(*said);
    const auto inner = one.ok() ? one.find("value") : std::nullopt;
    out = inner ? json_bool(*inner) : std::nullopt;
    if (!out) overrides.malformed("`override` is {\"" + std::string(name) + "\":{\"value\":true}}");
  };
  std::optional<bool> pushed;  // who has join and leave gets them
  take("presence", sub.presence);
  take("join_leave", sub.join_leave);
  take("force_push_join_leave", pushed);
  take("force_positioning", sub.positioned);
  take("force_recovery", sub.recoverable);
  if (!overrides.ok()) members.malformed(overrides.fault().text);
}

std::optional<Grant::Position> read_position(ApiMembers& members, Bytes name) {
  const auto value = members.find(name);
  if (!value) return std::nullopt;
  ApiMembers position(*value);
  Grant::Position taken{position.number("offset"), position.text("epoch", kMaxApiClient)};
  if (!position.ok()) members.malformed("`" + std::string(name) + "`: " + position.fault().text);
  return taken;
}

Read read_subscribe(ApiMembers& members) {
  ApiSubscribe subscribe{.who = read_who(members), .grant = {}};
  ClaimedSubscription& sub = subscribe.grant.sub;
  sub.channel = members.channel("channel");
  sub.info = members.info("info", kMaxApiInfo);
  sub.data = members.info("data", SIZE_MAX);
  take_override(members, sub);
  subscribe.grant.expires_at = members.time("expire_at");
  subscribe.grant.since = read_position(members, "recover_since");
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(subscribe));
}

Read read_unsubscribe(ApiMembers& members) {
  ApiUnsubscribe unsubscribe{.who = read_who(members), .channel = members.channel("channel")};
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(unsubscribe));
}

Read read_disconnect(ApiMembers& members) {
  ApiDisconnect order{.who = read_who(members), .whitelist = {}, .reason = {}};
  order.whitelist = members.texts("whitelist", kMaxWhitelist, kMaxApiClient);
  if (const auto value = members.find("disconnect")) {
    ApiMembers how(*value);
    const std::uint64_t code = how.number("code");
    order.reason = how.text("reason", kMaxDisconnectReason);
    if (!how.ok() && how.fault().malformed) members.malformed("`disconnect`: " + how.fault().text);
    if (!how.ok()) members.refuse(how.fault().code, how.fault().text);
    if (code != 0 && (code < kLeastDisconnectCode || code > kMaxDisconnectCode)) {
      members.refuse(ErrorCode::kBadRequest, "a disconnect code is 3000 to 4999");
    }
    if (code != 0) order.code = static_cast<std::uint16_t>(code);
  }
  // SDKs take a code as the last word only if there is a reason.
  if (order.reason.empty()) order.reason = disconnect_text(DisconnectCode::kForceDisconnect);
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(order));
}

Read read_refresh(ApiMembers& members) {
  ApiRefresh refresh{.who = read_who(members), .renewal = {}};
  refresh.renewal.expired = members.flag("expired");
  refresh.renewal.expires_at = members.time("expire_at");
  std::string info = members.info("info", kMaxApiInfo);
  if (!info.empty()) refresh.renewal.info = std::move(info);
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(refresh));
}

// --- channels ------------------------------------------------------------------------------------

Read read_presence(ApiMembers& members, bool counts_only) {
  ApiPresence presence{.channel = members.channel("channel"), .counts_only = counts_only};
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(presence));
}

Read read_history(ApiMembers& members) {
  ApiHistory history{.channel = members.channel("channel"), .since = {}};
  history.limit = members.whole("limit");
  history.reverse = members.flag("reverse");
  if (auto since = read_position(members, "since")) {
    history.since = ApiHistory::Since{since->offset, std::move(since->epoch)};
  }
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(history));
}

Read read_history_remove(ApiMembers& members) {
  ApiHistoryRemove remove{.channel = members.channel("channel")};
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(remove));
}

Read read_channels(ApiMembers& members) {
  ApiChannels channels{.pattern = members.text("pattern", kMaxApiPattern)};
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(channels));
}

// --- many ----------------------------------------------------------------------------------------

// {"publish":{..}}, with one member.
void take_command(ApiMembers& members, Bytes text, ApiBatch& batch) {
  JsonObject object;
  if (!object.read(text, 1) || object.size() != 1) {
    return members.malformed("a command of a batch is {\"method\":{..}}");
  }
  const auto method = api_method(object.name(0));
  if (!method || *method == ApiMethod::kBatch) {
    return members.malformed("a batch knows no such command: " + std::string(object.name(0)));
  }
  batch.commands.push_back({*method, std::string(object.value(0))});
}

Read read_batch(ApiMembers& members) {
  ApiBatch batch;
  batch.parallel = members.flag("parallel");
  const auto commands = members.find("commands");
  if (!commands || !commands->starts_with('[')) {
    members.malformed("`commands` is missing, or is not a list");
    return members.fault();
  }
  JsonElements list(*commands);
  while (members.ok() && list.next()) {
    if (batch.commands.size() == kMaxBatchCommands) {
      members.refuse(ErrorCode::kBadRequest,
                     "`commands` has more than " + std::to_string(kMaxBatchCommands) + " elements");
      break;
    }
    take_command(members, list.value(), batch);
  }
  if (!members.ok()) return members.fault();
  return ApiRequest(std::move(batch));
}

}  // namespace

ApiReader::Read ApiReader::read(ApiMethod method, Bytes body, std::int64_t calendar) {
  const Bytes text = json_trim(body);
  if (text.empty() && method == ApiMethod::kInfo) return ApiRequest(ApiInfo{});
  if (text.empty() && method == ApiMethod::kChannels) return ApiRequest(ApiChannels{});
  if (method == ApiMethod::kRevoke) {
    auto revocation = read_revoke_request(validator_, body, calendar);
    if (!revocation.ok()) return ApiFault{false, ErrorCode::kBadRequest, revocation.error().text};
    return ApiRequest(ApiRevoke{std::move(*revocation)});
  }
  if (!validator_.valid(body))
    return ApiFault{true, ErrorCode::kBadRequest, "the body is not JSON"};
  ApiMembers members(body);
  if (!members.ok()) return members.fault();
  switch (method) {
    case ApiMethod::kPublish:
      return read_publish(members);
    case ApiMethod::kBroadcast:
      return read_broadcast(members);
    case ApiMethod::kSubscribe:
      return read_subscribe(members);
    case ApiMethod::kUnsubscribe:
      return read_unsubscribe(members);
    case ApiMethod::kDisconnect:
      return read_disconnect(members);
    case ApiMethod::kRefresh:
      return read_refresh(members);
    case ApiMethod::kPresence:
      return read_presence(members, false);
    case ApiMethod::kPresenceStats:
      return read_presence(members, true);
    case ApiMethod::kHistory:
      return read_history(members);
    case ApiMethod::kHistoryRemove:
      return read_history_remove(members);
    case ApiMethod::kChannels:
      return read_channels(members);
    case ApiMethod::kInfo:
      return ApiRequest(ApiInfo{});
    case ApiMethod::kBatch:
      return read_batch(members);
    case ApiMethod::kRevoke:
      break;  // above
  }
  CHECK(false);
  return ApiFault{};
}

Result<ApiBatch::Command, ApiFault> ApiReader::read_line(Bytes line) {
  if (!validator_.valid(line)) return ApiFault{true, ErrorCode::kBadRequest, "a line is not JSON"};
  ApiMembers members(line);
  const std::string name = members.needed_text("method", kMaxApiClient);
  const auto params = members.find("params");
  if (!members.ok()) return members.fault();
  const auto method = api_method(name);
  if (!method) return ApiFault{false, ErrorCode::kMethodNotFound, {}};
  return ApiBatch::Command{*method, std::string(params.value_or("{}"))};
}

}  // namespace millrace

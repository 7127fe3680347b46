#include "net/proxy/reply_reader.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "core/base/assert.h"
#include "net/auth/base64url.h"
#include "net/auth/claims_reader.h"
#include "net/session/identity.h"

namespace millrace {
namespace {

constexpr Bytes kNoReason = "disconnected by the application";

std::optional<Bytes> member(const JsonObject& object, Bytes name) {
  const auto value = object.find(name);
  if (!value || *value == "null") return std::nullopt;
  return value;
}

std::optional<std::uint32_t> code_of(const JsonObject& object, std::uint32_t least,
                                     std::uint32_t most) {
  const auto value = member(object, "code");
  if (!value) return std::nullopt;
  std::uint32_t code = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), code);
  if (error != std::errc() || end != value->data() + value->size()) return std::nullopt;
  if (code < least || code > most) return std::nullopt;
  return code;
}

// Nothing: it is no text that may be told; empty if it is not there.
std::optional<std::string> text_of(const JsonObject& object, Bytes name, std::size_t most) {
  const auto value = member(object, name);
  if (!value) return std::string();
  auto text = json_string(*value);
  if (!text || text->size() > most) return std::nullopt;
  const bool plain = std::none_of(text->begin(), text->end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return plain ? text : std::nullopt;
}

}  // namespace

Bytes reply_fault_text(ReplyFault fault) {
  switch (fault) {
    case ReplyFault::kTooLong:
      return "the reply is larger than 256 KiB";
    case ReplyFault::kNotJson:
      return "the reply is not a JSON object, or one name stands in it twice";
    case ReplyFault::kNotOne:
      return "the reply needs one of result, error and disconnect, each an object";
    case ReplyFault::kBadCode:
      return "the code of an error is 400 to 1999, that of a disconnect 4000 to 4999";
    case ReplyFault::kBadText:
      return "a message has at most 256 bytes, a reason 123 and does not begin with {, and neither "
             "has control characters";
    case ReplyFault::kBadUser:
      return "user is a text of at most 255 bytes";
    case ReplyFault::kBadTime:
      return "expire_at is a number of seconds since 1970";
    case ReplyFault::kBadFlag:
      return "temporary, expired and skip_history are true or false";
    case ReplyFault::kBadData:
      return "data is JSON, b64data is base64 (of JSON for a client that speaks JSON), info is "
             "JSON "
             "of at most 65535 bytes";
    case ReplyFault::kBadSubscriptions:
      return "subs is an object of at most 128 channels with an object each, channels a list of "
             "names, override an object of {\"value\":true} or false";
  }
  CHECK(false);
  return {};
}

Result<ApplicationAnswer, ReplyFault> ReplyReader::read(ProxyMethod method, bool flat, Bytes text) {
  if (text.size() > kMaxProxyReply) return ReplyFault::kTooLong;
  if (!validator_.valid(text)) return ReplyFault::kNotJson;
  const Bytes whole = json_trim(text);
  if (!whole.starts_with('{') || !reply_.read(whole, kMaxClaims)) return ReplyFault::kNotJson;
  const auto result = member(reply_, "result");
  const auto error = member(reply_, "error");
  const auto disconnect = member(reply_, "disconnect");
  if (int{result.has_value()} + int{error.has_value()} + int{disconnect.has_value()} != 1) {
    return ReplyFault::kNotOne;
  }
  ApplicationAnswer out;
  Failure failed;
  if (result) {
    failed = take_result(method, flat, *result, out);
  } else if (error) {
    failed = take_error(*error, out);
  } else {
    failed = take_disconnect(*disconnect, out);
  }
  if (failed) return *failed;
  return out;
}

ReplyReader::Failure ReplyReader::take_error(Bytes object, ApplicationAnswer& out) {
  if (!object.starts_with('{') || !part_.read(object, kMaxClaims)) return ReplyFault::kNotOne;
  const auto code = code_of(part_, kLeastProxyError, kMostProxyError);
  if (!code) return ReplyFault::kBadCode;
  auto text = text_of(part_, "message", kMaxProxyMessage);
  if (!text) return ReplyFault::kBadText;
  if (Failure failed = take_flag("temporary", out.temporary)) return failed;
  out.kind = ApplicationAnswer::Kind::kError;
  out.code = *code;
  out.text = *std::move(text);
  return std::nullopt;
}

// SDKs take a code as final only with a reason, and one that looks like JSON as advice of old.
ReplyReader::Failure ReplyReader::take_disconnect(Bytes object, ApplicationAnswer& out) {
  if (!object.starts_with('{') || !part_.read(object, kMaxClaims)) return ReplyFault::kNotOne;
  const auto code = code_of(part_, kLeastProxyDisconnect, kMostProxyDisconnect);
  if (!code) return ReplyFault::kBadCode;
  auto text = text_of(part_, "reason", kMaxProxyReason);
  if (!text || text->starts_with('{')) return ReplyFault::kBadText;
  out.kind = ApplicationAnswer::Kind::kDisconnect;
  out.code = *code;
  out.text = text->empty() ? std::string(kNoReason) : *std::move(text);
  return std::nullopt;
}

ReplyReader::Failure ReplyReader::take_result(ProxyMethod method, bool flat, Bytes object,
                                              ApplicationAnswer& out) {
  if (!object.starts_with('{') || !part_.read(object, kMaxClaims)) return ReplyFault::kNotOne;
  out.kind = ApplicationAnswer::Kind::kAllowed;
  switch (method) {
    case ProxyMethod::kConnect:
      if (Failure failed = take_connect(out)) return failed;
      return take_data(flat, out);
    case ProxyMethod::kSubscribe:
      if (Failure failed = take_time(out)) return failed;
      if (subscriptions_.take_subscription(part_, out.sub)) return ReplyFault::kBadSubscriptions;
      return out.sub.info.size() > Identity::kMaxInfo ? Failure(ReplyFault::kBadData)
                                                      : std::nullopt;
    case ProxyMethod::kPublish:
      if (Failure failed = take_flag("skip_history", out.skip_history)) return failed;
      return take_data(flat, out);
    case ProxyMethod::kRpc:
      return take_data(flat, out);
    case ProxyMethod::kRefresh:
    case ProxyMethod::kSubRefresh:
      if (Failure failed = take_flag("expired", out.expired)) return failed;
      if (Failure failed = take_time(out)) return failed;
      return take_info(out);
    case ProxyMethod::kSend:
    case ProxyMethod::kDisconnect:
      break;  // nobody waits for an answer to those
  }
  CHECK(false);
  return std::nullopt;
}

ReplyReader::Failure ReplyReader::take_connect(ApplicationAnswer& out) {
  if (Failure failed = take_user(out)) return failed;
  if (Failure failed = take_time(out)) return failed;
  if (Failure failed = take_info(out)) return failed;
  if (const auto meta = find("meta")) out.meta = json_one_line(*meta);
  if (out.meta.size() > Identity::kMaxInfo) return ReplyFault::kBadData;
  std::vector<ClaimedSubscription> channels;
  if (find("subs") && subscriptions_.take_subs(part_, out.subs)) {
    return ReplyFault::kBadSubscriptions;
  }
  if (find("channels") && subscriptions_.take_channels(part_, channels)) {
    return ReplyFault::kBadSubscriptions;
  }
  if (out.subs.empty()) out.subs = std::move(channels);
  return std::nullopt;
}

std::optional<Bytes> ReplyReader::find(Bytes name) const { return member(part_, name); }

ReplyReader::Failure ReplyReader::take_user(ApplicationAnswer& out) const {
  const auto value = find("user");
  if (!value) return std::nullopt;
  auto user = json_string(*value);
  if (!user || user->size() > Identity::kMaxUser) return ReplyFault::kBadUser;
  out.user = *std::move(user);
  return std::nullopt;
}

ReplyReader::Failure ReplyReader::take_time(ApplicationAnswer& out) const {
  const auto value = find("expire_at");
  if (!value) return std::nullopt;
  const auto time = json_time(*value, Fraction::kCut);
  if (!time) return ReplyFault::kBadTime;
  out.expires_at = *time;
  return std::nullopt;
}

ReplyReader::Failure ReplyReader::take_flag(Bytes name, bool& out) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  const auto flag = json_bool(*value);
  if (!flag) return ReplyFault::kBadFlag;
  out = *flag;
  return std::nullopt;
}

ReplyReader::Failure ReplyReader::take_data(bool flat, ApplicationAnswer& out) {
  const auto encoded = find("b64data");
  if (!encoded) {
    if (const auto value = find("data")) out.data = json_one_line(*value);
    return std::nullopt;
  }
  const auto text = json_string(*encoded);
  if (!text || !decode_base64(*text, decoded_)) return ReplyFault::kBadData;
  if (flat) {
    out.data = decoded_;
    return std::nullopt;
  }
  if (!validator_.valid(decoded_)) return ReplyFault::kBadData;
  out.data = json_one_line(json_trim(decoded_));
  return std::nullopt;
}

ReplyReader::Failure ReplyReader::take_info(ApplicationAnswer& out) {
  out.has_info = find("info") || find("b64info");
  if (subscriptions_.take_json(part_, "info", out.sub.info)) return ReplyFault::kBadData;
  return out.sub.info.size() > Identity::kMaxInfo ? Failure(ReplyFault::kBadData) : std::nullopt;
}

}  // namespace millrace

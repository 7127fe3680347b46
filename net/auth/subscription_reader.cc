#include "net/auth/subscription_reader.h"

#include <algorithm>
#include <utility>

#include "core/hub/channel_name.h"
#include "net/auth/base64url.h"

namespace millrace {
namespace {

bool is_channel(Bytes name) { return check_channel_name(name) == ChannelNameError::kOk; }

}  // namespace

SubscriptionReader::Failure SubscriptionReader::take_json(const JsonObject& from, Bytes claim,
                                                          std::string& out) {
  if (const auto value = from.find(claim)) out = json_one_line(*value);
  const auto encoded = from.find(std::string("b64").append(claim));
  if (!encoded) return std::nullopt;
  const auto text = json_string(*encoded);
  if (!text || !decode_base64(*text, decoded_) || !validator_.valid(decoded_)) {
    return TokenError::kBadInfo;
  }
  out = json_one_line(json_trim(decoded_));
  return std::nullopt;
}

SubscriptionReader::Failure SubscriptionReader::take_subs(const JsonObject& from,
                                                          std::vector<ClaimedSubscription>& subs) {
  const auto value = from.find("subs");
  if (!value) return std::nullopt;
  if (!value->starts_with('{')) return TokenError::kBadClaims;
  // One more than allowed, so that the two causes are told apart.
  if (!subs_.read(*value, kMaxTokenSubscriptions + 1)) {
    return subs_.size() > kMaxTokenSubscriptions ? TokenError::kTooManySubscriptions
                                                 : TokenError::kBadClaims;
  }
  if (subs_.size() > kMaxTokenSubscriptions) return TokenError::kTooManySubscriptions;
  subs.reserve(subs_.size());
  for (std::size_t i = 0; i < subs_.size(); ++i) {
    if (!is_channel(subs_.name(i))) return TokenError::kBadChannel;
    if (!sub_.read(subs_.value(i), kMaxClaims)) return TokenError::kBadClaims;
    ClaimedSubscription& sub = subs.emplace_back();
    sub.channel = subs_.name(i);
    if (Failure failed = take_subscription(sub_, sub)) return failed;
  }
  return std::nullopt;
}

SubscriptionReader::Failure SubscriptionReader::take_channels(
    const JsonObject& from, std::vector<ClaimedSubscription>& subs) {
  const auto value = from.find("channels");
  if (!value) return std::nullopt;
  if (!value->starts_with('[')) return TokenError::kBadClaims;
  JsonElements list(*value);
  while (list.next()) {
    auto name = json_string(list.value());
    if (!name || !is_channel(*name)) return TokenError::kBadChannel;
    const bool known = std::any_of(subs.begin(), subs.end(),
                                   [&](const auto& sub) { return sub.channel == *name; });
    if (known) continue;
    if (subs.size() == kMaxTokenSubscriptions) return TokenError::kTooManySubscriptions;
    subs.emplace_back().channel = *std::move(name);
  }
  return std::nullopt;
}

SubscriptionReader::Failure SubscriptionReader::take_subscription(const JsonObject& from,
                                                                  ClaimedSubscription& sub) {
  if (Failure failed = take_json(from, "info", sub.info)) return failed;
  if (Failure failed = take_json(from, "data", sub.data)) return failed;
  const auto overrides = from.find("override");
  return overrides ? take_override(*overrides, sub) : std::nullopt;
}

// {"presence":{"value":true},..}
SubscriptionReader::Failure SubscriptionReader::take_override(Bytes text,
                                                              ClaimedSubscription& sub) {
  if (!overrides_.read(text, kMaxClaims)) return TokenError::kBadClaims;
  const auto take = [this](Bytes name, std::optional<bool>& out) {
    const auto value = overrides_.find(name);
    if (!value) return true;
    if (!override_.read(*value, kMaxClaims)) return false;
    const auto said = override_.find("value");
    out = said ? json_bool(*said) : std::nullopt;
    return out.has_value();
  };
  std::optional<bool> pushed;  // who has join and leave gets them
  const bool ok = take("presence", sub.presence) && take("join_leave", sub.join_leave) &&
                  take("force_push_join_leave", pushed) &&
                  take("force_positioning", sub.positioned) &&
                  take("force_recovery", sub.recoverable);
  return ok ? std::nullopt : Failure(TokenError::kBadClaims);
}

}  // namespace millrace

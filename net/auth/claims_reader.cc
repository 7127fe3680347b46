#include "net/auth/claims_reader.h"

#include <utility>

#include "core/hub/channel_name.h"

namespace millrace {
namespace {

bool is_channel(Bytes name) { return check_channel_name(name) == ChannelNameError::kOk; }

}  // namespace

Result<ConnectClaims, TokenError> ClaimsReader::connect(Bytes json, std::int64_t now) {
  ConnectClaims out;
  if (Failure failed = begin(json, now, out.times)) return *failed;
  if (claims_.find("channel")) return TokenError::kIsForSubscribing;
  if (Failure failed = take_name("sub", out.user)) return *failed;
  if (Failure failed = take_name("jti", out.token_id)) return *failed;
  if (Failure failed = subscriptions_.take_json(claims_, "info", out.info)) return *failed;
  if (const auto meta = claims_.find("meta")) out.meta = json_one_line(*meta);
  if (Failure failed = subscriptions_.take_subs(claims_, out.subs)) return *failed;
  // Read in any case, so that a wrong one is found at once; `subs` wins.
  std::vector<ClaimedSubscription> channels;
  if (Failure failed = SubscriptionReader::take_channels(claims_, channels)) return *failed;
  if (out.subs.empty()) out.subs = std::move(channels);
  return out;
}

Result<SubscribeClaims, TokenError> ClaimsReader::subscribe(Bytes json, std::int64_t now) {
  SubscribeClaims out;
  if (Failure failed = begin(json, now, out.times)) return *failed;
  const auto channel = claims_.find("channel");
  if (!channel) return TokenError::kIsForConnecting;
  auto name = json_string(*channel);
  if (!name || !is_channel(*name)) return TokenError::kBadChannel;
  out.sub.channel = *std::move(name);
  if (Failure failed = take_name("sub", out.user)) return *failed;
  if (Failure failed = take_name("client", out.client)) return *failed;
  if (Failure failed = take_name("jti", out.token_id)) return *failed;
  if (Failure failed = subscriptions_.take_subscription(claims_, out.sub)) return *failed;
  return out;
}

ClaimsReader::Failure ClaimsReader::begin(Bytes json, std::int64_t now, TokenTimes& times) {
  if (!validator_.valid(json) || !claims_.read(json, kMaxClaims)) return TokenError::kBadClaims;
  if (Failure failed = check_times(now, times)) return failed;
  if (Failure failed = check_audience()) return failed;
  return check_issuer();
}

ClaimsReader::Failure ClaimsReader::check_times(std::int64_t now, TokenTimes& times) const {
  const auto time = [this](Bytes name, Fraction fraction, std::optional<std::int64_t>& out) {
    const auto value = claims_.find(name);
    if (!value) return true;
    out = json_time(*value, fraction);
    return out.has_value();
  };
  std::optional<std::int64_t> expires;
  std::optional<std::int64_t> begins;
  std::optional<std::int64_t> issued;
  std::optional<std::int64_t> grant_ends;
  if (!time("exp", Fraction::kCut, expires) || !time("nbf", Fraction::kRaise, begins) ||
      !time("iat", Fraction::kCut, issued) || !time("expire_at", Fraction::kCut, grant_ends)) {
    return TokenError::kBadTime;
  }
  if (expires && now >= *expires) return TokenError::kExpired;
  if (begins && now < *begins) return TokenError::kNotYetValid;
  if (issued && *issued > now + kIssuedLeeway) return TokenError::kIssuedLater;
  times.issued_at = issued.value_or(0);
  times.expires_at = grant_ends.value_or(expires.value_or(0));
  return std::nullopt;
}

ClaimsReader::Failure ClaimsReader::check_audience() const {
  const auto value = claims_.find("aud");
  bool found = false;
  const auto take = [this, &found](Bytes text) {
    const auto audience = json_string(text);
    found = found || (audience && *audience == expected_.audience);
    return audience.has_value();
  };
  if (value && value->starts_with('[')) {
    JsonElements list(*value);
    while (list.next()) {
      if (!take(list.value())) return TokenError::kBadClaims;
    }
  } else if (value && !take(*value)) {
    return TokenError::kBadClaims;
  }
  if (!expected_.audience.empty() && !found) return TokenError::kWrongAudience;
  return std::nullopt;
}

ClaimsReader::Failure ClaimsReader::check_issuer() const {
  const auto value = claims_.find("iss");
  const auto issuer = value ? json_string(*value) : std::string();
  if (!issuer) return TokenError::kBadClaims;
  if (!expected_.issuer.empty() && *issuer != expected_.issuer) return TokenError::kWrongIssuer;
  return std::nullopt;
}

ClaimsReader::Failure ClaimsReader::take_name(Bytes claim, std::string& out) const {
  const auto value = claims_.find(claim);
  if (!value) return std::nullopt;
  auto name = json_string(*value);
  if (!name || name->size() > kMaxTokenUser) return TokenError::kBadUser;
  out = *std::move(name);
  return std::nullopt;
}

}  // namespace millrace

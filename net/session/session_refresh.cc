// What was let in by the application, and ends: it is asked whether that may go on. The client is
// told nothing of an end that others see to.
#include <algorithm>

#include "core/base/assert.h"
#include "net/session/session.h"

namespace millrace {

namespace {

// Who could not be asked is asked again after half of it and up to as much: many ends come
// together.
constexpr Duration kAskAgain = seconds(4);

}  // namespace

Instant Session::ask_again_at(Instant now) const {
  const auto part = static_cast<std::uint64_t>(kAskAgain.ns / 2);
  return now + kAskAgain / 2 +
         nanoseconds(static_cast<std::int64_t>(context_.random.below(part + 1)));
}

// --- of a connection -----------------------------------------------------------------------------

bool Session::refreshed_by_application() const {
  return by_application_ && asks(ProxyMethod::kRefresh);
}

Instant Session::refresh_due() const {
  if (!by_application_) return Instant::never();
  const ApplicationNote* note = context_.application_notes.find(transport_.id().index);
  return note == nullptr ? Instant::never() : note->refresh;
}

void Session::plan_refresh(Expiry expiry) {
  if (expiry.never() || !asks(ProxyMethod::kRefresh)) return;
  context_.application_notes.at(transport_.id().index).refresh = expiry.instant();
}

void Session::ask_refresh(Instant now) {
  const SubscriberId self = transport_.id().index;
  context_.application_notes.at(self).refresh = Instant::never();
  const bool asked = asks(ProxyMethod::kRefresh) && ask({.method = ProxyMethod::kRefresh}, now);
  if (!asked) context_.application_notes.at(self).refresh = ask_again_at(now);
  restore_deadline(now);
}

void Session::settle_refresh(const ApplicationAnswer& answer, Instant now) {
  switch (answer.kind) {
    case ApplicationAnswer::Kind::kDisconnect:
      return close_with(static_cast<std::uint16_t>(answer.code), answer.text, now);
    case ApplicationAnswer::Kind::kError:
    case ApplicationAnswer::Kind::kUnavailable:
      // Until the grace is over.
      context_.application_notes.at(transport_.id().index).refresh = ask_again_at(now);
      return restore_deadline(now);
    case ApplicationAnswer::Kind::kAllowed:
      break;
  }
  const std::int64_t calendar = context_.tokens.now();
  const TokenTimes times{.issued_at = calendar, .expires_at = answer.expires_at};
  if (answer.expired || is_over(times, calendar)) return disconnect(DisconnectCode::kExpired, now);
  ConnectClaims claims;
  claims.user = user();
  claims.info = answer.has_info ? answer.sub.info : std::string(identity_.info());
  claims.times = times;
  auto identity = identity_of(claims, calendar, now);
  CHECK(identity);  // what is in it was checked
  identity_ = std::move(*identity);
  plan_refresh(identity_.expiry());
  context_.application_notes.tidy(transport_.id().index);
  restore_deadline(now);
}

// The deadline may have been the old end.
void Session::restore_deadline(Instant now) {
  set_deadline(state_ == State::kPinged
                   ? last_ping_ + context_.settings.pong_timeout
                   : std::max(now, last_ping_ + context_.settings.ping_interval));
}

// --- of a subscription ---------------------------------------------------------------------------

bool Session::refreshed_by_application(Bytes channel, const SubscriptionNote& note) const {
  if (!note.from_application() || !asks(ProxyMethod::kSubRefresh)) return false;
  const NamespaceSettings* settings = context_.find_namespace(channel);
  return settings != nullptr && settings->proxy_sub_refresh;
}

// True if it goes on for now.
bool Session::ask_sub_refresh(Bytes channel, Instant now) {
  const SubscriberId self = transport_.id().index;
  const SubscriptionNote* note = context_.notes.find(self, channel);
  if (note == nullptr || !note->from_application()) return false;
  const Instant end = note->expiry.instant() + context_.settings.subscription_grace;
  if (now >= end) return false;
  const bool asked = refreshed_by_application(channel, *note);
  const bool out = asked && ask({.method = ProxyMethod::kSubRefresh, .channel = channel}, now);
  // While the application thinks, and for who has to see to it himself, the grace goes on.
  context_.notes.wake_at(self, channel, asked && !out ? std::min(end, ask_again_at(now)) : end);
  return true;
}

void Session::settle_sub_refresh(Bytes channel, const ApplicationAnswer& answer, Instant now) {
  const SubscriberId self = transport_.id().index;
  const SubscriptionNote* note = context_.notes.find(self, channel);
  // It left, or came back with a token, in the meantime.
  if (note == nullptr || !note->from_application()) return;
  const Instant end = note->expiry.instant() + context_.settings.subscription_grace;
  switch (answer.kind) {
    case ApplicationAnswer::Kind::kDisconnect:
      return close_with(static_cast<std::uint16_t>(answer.code), answer.text, now);
    case ApplicationAnswer::Kind::kError:
    case ApplicationAnswer::Kind::kUnavailable:
      return context_.notes.wake_at(self, channel, std::min(end, ask_again_at(now)));
    case ApplicationAnswer::Kind::kAllowed:
      break;
  }
  const std::int64_t calendar = context_.tokens.now();
  const TokenTimes times{.issued_at = 0, .expires_at = answer.expires_at};
  if (answer.expired || is_over(times, calendar)) return end_expired_subscription(channel, now);
  const std::string info = answer.has_info ? answer.sub.info : note->info;
  const std::string data = note->data;
  context_.notes.put(self, channel, info, data, expiry_of(times, calendar, now));
}

}  // namespace millrace

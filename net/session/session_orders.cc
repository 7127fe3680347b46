// What the server API orders: subscriptions given and taken, an end, a new expiry.
#include "net/session/session_orders.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "net/session/session.h"

namespace millrace {

bool Session::grant(const Grant& order, std::uint64_t ticket, Instant now) {
  if (client_.none() || state_ == State::kClosed || !transport_.open()) return false;
  const SubscriberId self = transport_.id().index;
  const Bytes channel = order.sub.channel;
  context_.grants.add(self, channel, ticket);
  if (context_.hub.subscribed(self, channel)) {
    // By an order of before it waits; by the client's own command that is answered anyway.
    if (context_.hub.pending(self, channel) != 0U) context_.grants.settle(self, channel);
    return true;
  }
  auto fault = fault_of({&order.sub, 1});
  const std::int64_t calendar = context_.tokens.now();
  if (!fault && is_over({.expires_at = order.expires_at}, calendar)) fault = ErrorCode::kExpired;
  const auto connect = context_.connects.find(self);
  const bool connecting = state_ == State::kConnecting;
  if (connecting && connect == context_.connects.end()) fault = ErrorCode::kInternal;
  if (fault) {
    context_.grants.settle(self, channel, fault);
    return true;
  }
  // The reply to its connect command will tell it.
  if (connecting) {
    connect->second->channels.push_back({.name = order.sub.channel});
    ++connect->second->waiting;
  }
  context_.notes.put(self, channel, order.sub.info, order.sub.data,
                     expiry_of({.expires_at = order.expires_at}, calendar, now));
  switch (context_.hub.subscribe(self, channel, options_of(order, connecting), now)) {
    case Hub::Subscribe::kLive:
      on_subscribed(channel, 0, {});
      break;
    case Hub::Subscribe::kPending:
      break;
    case Hub::Subscribe::kAlready:
      CHECK(false);
      break;
    case Hub::Subscribe::kSubscriberLimit:
    case Hub::Subscribe::kChannelLimit:
      fail_grant(channel, ErrorCode::kLimitExceeded);
      break;
    case Hub::Subscribe::kBusy:
      fail_grant(channel, ErrorCode::kTooManyRequests);
      break;
  }
  return true;
}

SubscribeOptions Session::options_of(const Grant& order, bool connecting) const {
  const NamespaceSettings& settings = *context_.find_namespace(order.sub.channel);
  SubscribeCommand command;
  command.channel = order.sub.channel;
  if (order.since) {
    command.recover = true;
    command.position = {order.since->epoch, order.since->offset};
  }
  SubscribeOptions options = options_for(command, settings, order.sub);
  options.announce = order.sub.join_leave.value_or(settings.presence.announce);
  options.server_side = true;
  options.granted = true;
  options.held = connecting;
  options.ticket = 0;
  return options;
}

void Session::fail_grant(Bytes channel, ErrorCode code) {
  const SubscriberId self = transport_.id().index;
  context_.notes.erase(self, channel);
  const auto connect = context_.connects.find(self);
  if (connect != context_.connects.end()) {
    std::erase_if(connect->second->channels,
                  [channel](const PendingConnect::Channel& each) { return each.name == channel; });
    --connect->second->waiting;
  }
  context_.grants.settle(self, channel, code);
}

// To a client that is connected.
void Session::tell_granted(Bytes channel, const SubscribeOutcome& outcome) {
  if (outcome.failure != SubscribeOutcome::Failure::kNone) {
    return fail_grant(channel, ErrorCode::kInternal);
  }
  std::vector<PublicationOut> none;
  const SubscribeResult result = result_of(channel, outcome, none, context_.now);
  encoder().subscribe_push(message(), channel,
                           {.recoverable = result.recoverable,
                            .positioned = result.positioned,
                            .epoch = result.epoch,
                            .offset = result.offset,
                            .data = result.data});
  send();
  for (const KeptPublication& each : outcome.publications) {
    encoder().publication_push(message(), channel, {each.data, each.info, each.offset});
    send();
  }
  context_.grants.settle(transport_.id().index, channel);
}

void Session::take_away(Bytes channel, Instant now) {
  const SubscriberId self = transport_.id().index;
  if (!transport_.open() || !context_.hub.subscribed(self, channel)) return;
  // Before it was told of its channels; it comes back, and gets what its token says.
  if (state_ == State::kConnecting) return disconnect(DisconnectCode::kForceReconnect, now);
  const auto pending = context_.hub.pending(self, channel);
  context_.hub.unsubscribe(self, channel, now);
  context_.notes.erase(self, channel);
  context_.grants.settle(self, channel);
  if (pending) end_question(*pending);
  if (pending && *pending != 0) return fail(*pending, ErrorCode::kPermissionDenied);
  if (pending) return;  // it has not been told of it
  encoder().unsubscribe_push(message(), channel, UnsubscribeCode::kServer);
  send();
}

void Session::dismiss(std::uint16_t code, Bytes reason, Instant now) {
  if (transport_.open()) close_with(code, reason, now);
}

void Session::renew(const Renewal& order, Instant now) {
  if (client_.none() || state_ == State::kClosed || !transport_.open()) return;
  const std::int64_t calendar = context_.tokens.now();
  if (order.expired || is_over({.expires_at = order.expires_at}, calendar)) {
    return disconnect(DisconnectCode::kExpired, now);
  }
  auto identity =
      Identity::make({.user = user(),
                      .info = order.info ? Bytes(*order.info) : identity_.info(),
                      .expiry = expiry_of({.expires_at = order.expires_at}, calendar, now),
                      .issued_at = identity_.issued_at(),
                      .token_hash = identity_.token_hash()});
  if (!identity) return;  // the API has checked the info's length
  identity_ = std::move(*identity);
  if (by_application_) plan_refresh(identity_.expiry());
  if (!connected()) return;
  restore_deadline(now);
  const Expiry expiry = identity_.expiry();
  encoder().refresh_push(message(), !expiry.never(), ttl_of(expiry, now));
  send();
}

}  // namespace millrace

// Who may be in a channel, how it gets in, and how it comes out again.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/hub/channel_name.h"
#include "net/session/session.h"
#include "proto/fossil_delta.h"

namespace millrace {

namespace {

constexpr Bytes kFossil = "fossil";

}  // namespace

const NamespaceSettings* Session::settings_for(std::uint32_t id, Bytes channel, Instant now) {
  if (channel.empty()) {
    disconnect(DisconnectCode::kBadRequest, now);
    return nullptr;
  }
  if (check_channel_name(channel) != ChannelNameError::kOk) {
    fail(id, ErrorCode::kBadRequest);
    return nullptr;
  }
  const NamespaceSettings* settings = context_.find_namespace(channel);
  if (settings == nullptr) {
    fail(id, ErrorCode::kUnknownChannel);
  } else if (!settings->allows_name(channel)) {
    fail(id, ErrorCode::kBadRequest);
    return nullptr;
  }
  return settings;
}

Asker Session::asker(Bytes channel) const {
  return {.user = user(),
          .subscribed = context_.hub.subscribed(transport_.id().index, channel),
          .insecure = context_.settings.insecure};
}

// --- in ------------------------------------------------------------------------------------------

void Session::handle(std::uint32_t id, const SubscribeCommand& command, Instant now) {
  const NamespaceSettings* settings = enterable(id, command, now);
  if (settings == nullptr) return;
  if (command.token.empty() && settings->proxy_subscribe && !command.channel.starts_with('$') &&
      asks(ProxyMethod::kSubscribe)) {
    const bool asked = ask({.method = ProxyMethod::kSubscribe,
                            .channel = command.channel,
                            .data = command.data,
                            .data_is_json = format_ == WireFormat::kJson},
                           now);
    if (!asked) fail(id, ErrorCode::kInternal);
    return;
  }
  ClaimedSubscription granted;
  if (may_subscribe(id, command, *settings, granted, now)) {
    enter(id, command, *settings, granted, now);
  }
}

const NamespaceSettings* Session::enterable(std::uint32_t id, const SubscribeCommand& command,
                                            Instant now) {
  const NamespaceSettings* settings = settings_for(id, command.channel, now);
  if (settings == nullptr) return nullptr;
  const auto failed = [&](ErrorCode code) {
    fail(id, code);
    return nullptr;
  };
  if (!command.delta.empty() && command.delta != kFossil) {
    disconnect(DisconnectCode::kBadRequest, now);
    return nullptr;
  }
  if (context_.hub.subscribed(transport_.id().index, command.channel)) {
    return failed(ErrorCode::kAlreadySubscribed);
  }
  if (command.type != 0) return failed(ErrorCode::kPermissionDenied);
  if (command.has_filter) return failed(ErrorCode::kBadRequest);
  if (settings->payload == PayloadKind::kBinary && format_ == WireFormat::kJson) {
    return failed(ErrorCode::kNotAvailable);
  }
  return settings;
}

void Session::enter(std::uint32_t id, const SubscribeCommand& command,
                    const NamespaceSettings& settings, const ClaimedSubscription& granted,
                    Instant now) {
  const SubscriberId self = transport_.id().index;
  SubscribeOptions options = options_for(command, settings, granted);
  options.ticket = id;
  if (options.recovering) begin_question(id);
  switch (context_.hub.subscribe(self, command.channel, options, now)) {
    case Hub::Subscribe::kLive:
      return on_subscribed(command.channel, id, {});
    case Hub::Subscribe::kPending:
      return;  // the reply comes with on_subscribed(), or came
    case Hub::Subscribe::kAlready:
      CHECK(false);
      return;
    case Hub::Subscribe::kSubscriberLimit:
    case Hub::Subscribe::kChannelLimit:
      end_question(id);
      context_.notes.erase(self, command.channel);
      return fail(id, ErrorCode::kLimitExceeded);
    case Hub::Subscribe::kBusy:
      end_question(id);
      context_.notes.erase(self, command.channel);
      return fail(id, ErrorCode::kTooManyRequests);
  }
}

bool Session::may_subscribe(std::uint32_t id, const SubscribeCommand& command,
                            const NamespaceSettings& settings, ClaimedSubscription& granted,
                            Instant now) {
  if (command.token.empty()) {
    const bool token_only = command.channel.starts_with('$');
    const bool may_enter =
        millrace::may_subscribe(settings.subscribe, asker(command.channel), false) &&
        (!token_only || context_.settings.insecure);
    if (!may_enter) fail(id, ErrorCode::kPermissionDenied);
    return may_enter;
  }
  if (!context_.tokens.usable() && context_.settings.insecure) return true;
  const std::int64_t calendar = context_.tokens.now();
  auto verified = context_.tokens.subscribe(command.token);
  if (!verified.ok()) {
    note_refusal(verified.error(), now);
    const bool expired = token_expired(verified.error());
    fail(id, expired ? ErrorCode::kTokenExpired : ErrorCode::kPermissionDenied);
    return false;
  }
  const SubscribeClaims& claims = *verified;
  if (!is_own(claims, command.channel)) {
    note_refusal(TokenError::kIsForAnother, now);
    disconnect(DisconnectCode::kInvalidToken, now);
    return false;
  }
  if (is_over(claims.times, calendar)) {
    note_refusal(TokenError::kGrantIsOver, now);
    fail(id, ErrorCode::kExpired);
    return false;
  }
  context_.notes.put(transport_.id().index, command.channel, claims.sub.info, claims.sub.data,
                     expiry_of(claims.times, calendar, now), mark_of(claims));
  granted = std::move(verified->sub);
  return true;
}

bool Session::is_own(const SubscribeClaims& claims, Bytes channel) const {
  const Uuid::Text client = client_.text();
  return claims.user == user() && claims.sub.channel == channel &&
         (claims.client.empty() || claims.client == client.view());
}

SubscribeOptions Session::options_for(const SubscribeCommand& command,
                                      const NamespaceSettings& settings,
                                      const ClaimedSubscription& granted) const {
  const bool kept = settings.stream.kept();
  Asker self = asker(command.channel);
  self.subscribed = true;  // it is about to be
  const bool may_ask = kept && may(settings.read_history, self);
  SubscribeOptions options;
  options.format = format_ != WireFormat::kJson;
  options.stream = settings.stream;
  options.presence = settings.presence;
  options.presence.members = granted.presence.value_or(settings.presence.members);
  options.presence.announce = granted.join_leave.value_or(settings.presence.announce);
  options.recoverable = (kept && granted.recoverable.value_or(settings.recoverable)) ||
                        (command.recoverable && may_ask);
  options.positioned = options.recoverable ||
                       (kept && granted.positioned.value_or(settings.positioned)) ||
                       (command.positioned && may_ask);
  options.delta = settings.delta && options.positioned && !command.delta.empty();
  options.announce =
      options.presence.announce && command.join_leave && may(settings.read_presence, self);
  // Who is to be hidden is not announced either, unless the token says so.
  if (granted.presence == false && !granted.join_leave) options.presence.announce = false;
  options.recovering = options.recoverable && command.recover;
  if (options.recovering) {
    if (const auto epoch = Epoch::parse(command.position.epoch)) {
      options.since = StreamPosition{command.position.offset, *epoch};
    }
  }
  options.recovery_limit = context_.settings.recovery_page;
  options.all_or_nothing = (command.flag & SubscribeCommand::kRejectUnrecovered) != 0;
  return options;
}

SubscribeResult Session::result_of(Bytes channel, const SubscribeOutcome& outcome,
                                   std::vector<PublicationOut>& publications, Instant now) const {
  SubscribeResult result;
  if (const SubscriptionNote* note = context_.notes.find(transport_.id().index, channel)) {
    if (!refreshed_by_application(channel, *note)) {
      result.expires = !note->expiry.never();
      result.ttl = ttl_of(note->expiry, now);
    }
    result.data = note->data;
  }
  result.recoverable = outcome.recoverable;
  result.positioned = outcome.positioned;
  if (outcome.positioned || outcome.recoverable) {
    result.epoch = outcome.position.epoch.text();
    result.offset = outcome.position.offset;
  }
  result.was_recovering = outcome.was_recovering;
  result.recovered = outcome.recovered;
  result.delta = outcome.delta;
  result.publications = publications;
  return result;
}

void Session::on_subscribed(Bytes channel, std::uint32_t ticket, const SubscribeOutcome& outcome) {
  if (ticket == 0 && state_ != State::kConnecting) return tell_granted(channel, outcome);
  if (ticket == 0) {
    note_claimed(channel, outcome);
    return context_.grants.settle(transport_.id().index, channel);
  }
  end_question(ticket);
  if (outcome.failure != SubscribeOutcome::Failure::kNone) {
    context_.notes.erase(transport_.id().index, channel);
    const bool lost = outcome.failure == SubscribeOutcome::Failure::kUnrecoverable;
    return fail(ticket, lost ? ErrorCode::kUnrecoverablePosition : ErrorCode::kInternal);
  }
  std::vector<PublicationOut> publications;
  Bytes before;
  std::vector<std::string> patches(outcome.delta ? outcome.publications.size() : 0);
  for (std::size_t i = 0; i < outcome.publications.size(); ++i) {
    const KeptPublication& each = outcome.publications[i];
    PublicationOut out{each.data, each.info, each.offset};
    if (outcome.delta) {
      const bool pays = !before.empty() && make_fossil_delta(before, each.data, patches[i]);
      out.form = pays ? DataForm::kPatch : DataForm::kFull;
      if (pays) out.data = patches[i];
      before = each.data;
    }
    publications.push_back(out);
  }
  encoder().subscribe(message(), ticket, result_of(channel, outcome, publications, context_.now));
  send();
}

// --- out -----------------------------------------------------------------------------------------

void Session::handle(std::uint32_t id, const UnsubscribeCommand& command, Instant now) {
  if (command.channel.empty()) return disconnect(DisconnectCode::kBadRequest, now);
  const SubscriberId self = transport_.id().index;
  // Who leaves need not wait for the broker any more.
  const auto ticket = context_.hub.pending(self, command.channel);
  if (ticket && *ticket != 0) {
    on_subscribed(command.channel, *ticket, {});
  }
  context_.hub.unsubscribe(self, command.channel, now);
  context_.notes.erase(self, command.channel);
  context_.grants.settle(self, command.channel);
  encoder().unsubscribe(message(), id);
  send();
}

void Session::on_lost(Bytes channel, bool server_side) {
  context_.notes.erase(transport_.id().index, channel);
  if (server_side) return disconnect(DisconnectCode::kInsufficientState, context_.now);
  encoder().unsubscribe_push(message(), channel, UnsubscribeCode::kInsufficientState);
  send();
}

void Session::expire_subscription(Bytes channel, Instant now) {
  if (!ask_sub_refresh(channel, now)) end_expired_subscription(channel, now);
}

void Session::end_expired_subscription(Bytes channel, Instant now) {
  // Before it was answered: with a new token it may still become one.
  end_subscription(channel,
                   {.unanswered = ErrorCode::kTokenExpired,
                    .server_side = DisconnectCode::kSubscriptionExpired,
                    .live = UnsubscribeCode::kExpired},
                   now);
}

void Session::revoke_subscription(Bytes channel, UnsubscribeCode code, Instant now) {
  // Before it was answered: as if the token had come after its revocation. One that the
  // connection's token gave, refreshed with the revoked one: it comes back and gets it as it was.
  end_subscription(channel,
                   {.unanswered = ErrorCode::kPermissionDenied,
                    .server_side = DisconnectCode::kForceReconnect,
                    .live = code},
                   now);
}

void Session::end_subscription(Bytes channel, const Ending& ending, Instant now) {
  const SubscriberId self = transport_.id().index;
  const bool server_side = context_.hub.server_side(self, channel);
  const auto pending = context_.hub.pending(self, channel);
  // Of a grant no token tells, so who lost it would not get it back by coming back.
  const bool granted = context_.hub.granted(self, channel) && state_ != State::kConnecting;
  context_.hub.unsubscribe(self, channel, now);
  context_.notes.erase(self, channel);
  context_.grants.settle(self, channel);
  if (pending) end_question(*pending);
  if (pending && granted) return;  // it has not been told of it
  if (pending && *pending != 0) return fail(*pending, ending.unanswered);
  if (server_side && !granted) return disconnect(ending.server_side, now);
  encoder().unsubscribe_push(message(), channel, ending.live);
  send();
}

void Session::handle(std::uint32_t id, const SubRefreshCommand& command, Instant now) {
  if (command.channel.empty()) return disconnect(DisconnectCode::kBadRequest, now);
  const SubscriberId self = transport_.id().index;
  if (!context_.hub.subscribed(self, command.channel)) {
    return fail(id, ErrorCode::kPermissionDenied);
  }
  if (command.token.empty()) return fail(id, ErrorCode::kBadRequest);
  if (!context_.tokens.usable()) return fail(id, ErrorCode::kNotAvailable);
  const std::int64_t calendar = context_.tokens.now();
  auto verified = context_.tokens.subscribe(command.token);
  if (!verified.ok()) {
    note_refusal(verified.error(), now);
    if (token_expired(verified.error())) return fail(id, ErrorCode::kTokenExpired);
    return disconnect(DisconnectCode::kInvalidToken, now);
  }
  const SubscribeClaims& claims = *verified;
  if (!is_own(claims, command.channel)) {
    note_refusal(TokenError::kIsForAnother, now);
    return disconnect(DisconnectCode::kInvalidToken, now);
  }
  if (is_over(claims.times, calendar)) {
    note_refusal(TokenError::kGrantIsOver, now);
    return fail(id, ErrorCode::kExpired);
  }
  const Expiry expiry = expiry_of(claims.times, calendar, now);
  context_.notes.put(self, command.channel, claims.sub.info, claims.sub.data, expiry,
                     mark_of(claims));
  encoder().sub_refresh(message(), id, {.expires = !expiry.never(), .ttl = ttl_of(expiry, now)});
  send();
}

}  // namespace millrace

// The connect command, and what comes with a token.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/hub/channel_name.h"
#include "net/session/session.h"

namespace millrace {

namespace {

std::uint32_t hash_of(Bytes token_id) {
  return token_id.empty() ? 0 : static_cast<std::uint32_t>(token_id_hash(token_id) | 1);
}

std::uint32_t seconds_of(std::int64_t issued_at) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(issued_at, 0, UINT32_MAX));
}

}  // namespace

void Session::handle(std::uint32_t id, const ConnectCommand& command, Instant now) {
  if (!client_.none()) return disconnect(DisconnectCode::kBadRequest, now);
  // Who has a token that can be checked has no need of the application.
  if ((command.token.empty() || !context_.tokens.usable()) && asks(ProxyMethod::kConnect)) {
    return ask_connect(id, command, now);
  }
  ConnectClaims claims;
  bool proven = false;
  if (command.token.empty()) {
    // Credentials are missing: the reference answers with the same.
    const bool open = context_.settings.insecure || context_.settings.allow_anonymous;
    if (!open) return disconnect(DisconnectCode::kBadRequest, now);
  } else if (!context_.tokens.usable() && context_.settings.insecure) {
    // There is nothing to check it with, and no need to.
  } else {
    if (!verify(id, command.token, claims, now)) return;
    proven = true;
  }
  if (adopt(id, claims, proven, now)) begin_connect(id, claims, command.subs, {}, now);
}

void Session::begin_connect(std::uint32_t id, const ConnectClaims& claims,
                            std::span<const KnownSubscription> known, Bytes data, Instant now) {
  if (context_.arrivals != nullptr) context_.arrivals->on_arrived(transport_.id());
  auto pending = std::make_unique<PendingConnect>(id, context_.settings);
  PendingConnect& connect = *pending;
  connect.data = data;
  context_.connects[transport_.id().index] = std::move(pending);
  state_ = State::kConnecting;
  subscribe_claimed(connect, claims, known, now);
}

// The application may have been told of it already.
Uuid Session::new_client() const {
  const ApplicationNote* note = context_.application_notes.find(transport_.id().index);
  return note != nullptr && !note->client.none() ? note->client : Uuid::random(context_.random);
}

bool Session::verify(std::uint32_t id, Bytes token, ConnectClaims& claims, Instant now) {
  auto verified = context_.tokens.connect(token);
  if (verified.ok()) {
    claims = std::move(*verified);
    return true;
  }
  note_refusal(verified.error(), now);
  if (token_expired(verified.error())) {
    fail(id, ErrorCode::kTokenExpired);
    state_ = State::kRefused;
  } else {
    disconnect(DisconnectCode::kInvalidToken, now);
  }
  return false;
}

// From here on it is somebody.
bool Session::adopt(std::uint32_t id, const ConnectClaims& claims, bool proven, Instant now) {
  const std::int64_t calendar = context_.tokens.now();
  if (is_over(claims.times, calendar)) {
    note_refusal(TokenError::kGrantIsOver, now);
    fail(id, ErrorCode::kExpired);
    state_ = State::kRefused;
    return false;
  }
  if (claims.subs.size() > context_.settings.channels_per_connection) {
    disconnect(DisconnectCode::kChannelLimit, now);
    return false;
  }
  if (const auto fault = fault_of(claims.subs)) {
    fail(id, *fault);
    state_ = State::kRefused;
    return false;
  }
  // A token that says nothing can be revoked too, by when it was issued.
  if (!proven) {
    client_ = new_client();
    ++context_.metrics.clients;
    return true;
  }
  auto identity = identity_of(claims, calendar, now);
  if (!identity) {
    disconnect(DisconnectCode::kInvalidToken, now);
    return false;
  }
  if (!seat_.take(context_.users, claims.user)) {
    disconnect(DisconnectCode::kConnectionLimit, now);
    return false;
  }
  identity_ = std::move(*identity);
  client_ = new_client();
  ++context_.metrics.clients;
  return true;
}

std::optional<ErrorCode> Session::fault_of(std::span<const ClaimedSubscription> claimed) const {
  for (const ClaimedSubscription& sub : claimed) {
    if (check_channel_name(sub.channel) != ChannelNameError::kOk) return ErrorCode::kUnknownChannel;
    const NamespaceSettings* settings = context_.find_namespace(sub.channel);
    if (settings == nullptr) return ErrorCode::kUnknownChannel;
    if (settings->payload == PayloadKind::kBinary && format_ == WireFormat::kJson) {
      return ErrorCode::kNotAvailable;
    }
  }
  return std::nullopt;
}

// --- the channels that come with it --------------------------------------------------------------

void Session::subscribe_claimed(PendingConnect& connect, const ConnectClaims& claims,
                                std::span<const KnownSubscription> known, Instant now) {
  const SubscriberId self = transport_.id().index;
  connect.waiting = static_cast<std::uint32_t>(claims.subs.size());
  for (const ClaimedSubscription& sub : claims.subs) {
    const NamespaceSettings& settings = *context_.find_namespace(sub.channel);
    SubscribeCommand command;
    command.channel = sub.channel;
    const auto before = std::ranges::find(known, Bytes(sub.channel), &KnownSubscription::channel);
    if (before != known.end()) {
      command.recover = before->recover;
      command.position = before->position;
    }
    SubscribeOptions options = options_for(command, settings, sub);
    options.announce = sub.join_leave.value_or(settings.presence.announce);
    options.server_side = true;
    options.held = true;
    options.ticket = 0;
    connect.channels.push_back({.name = sub.channel});
    if (!sub.info.empty() || !sub.data.empty()) {
      context_.notes.put(self, sub.channel, sub.info, sub.data, {});
    }
    switch (context_.hub.subscribe(self, sub.channel, options, now)) {
      case Hub::Subscribe::kLive:
        on_subscribed(sub.channel, 0, {});
        break;
      case Hub::Subscribe::kPending:
        break;
      case Hub::Subscribe::kAlready:  // a claim that stands twice
        connect.channels.pop_back();
        --connect.waiting;
        break;
      case Hub::Subscribe::kSubscriberLimit:
        return disconnect(DisconnectCode::kChannelLimit, now);
      // Both pass: streams answer, channels of others go, and another shard or node may have room.
      // The token has nothing too many, so its client comes back after a pause.
      case Hub::Subscribe::kChannelLimit:
      case Hub::Subscribe::kBusy:
        return disconnect(DisconnectCode::kTooManyRequests, now);
    }
  }
  connect.all_asked = true;
  if (connect.waiting == 0) finish_connect(now);
}

void Session::note_claimed(Bytes channel, const SubscribeOutcome& outcome) {
  const auto found = context_.connects.find(transport_.id().index);
  CHECK(found != context_.connects.end());
  PendingConnect& connect = *found->second;
  const auto waiting = std::ranges::find(connect.channels, channel, &PendingConnect::Channel::name);
  CHECK(waiting != connect.channels.end());
  connect.note(*waiting, outcome);
  connect.failed |= outcome.failure != SubscribeOutcome::Failure::kNone;
  CHECK_GT(connect.waiting, 0U);
  --connect.waiting;
  // From the loop and not from here: what was kept may want the hub, which is calling.
  if (connect.waiting == 0 && connect.all_asked) context_.waiting.resume_later(transport_.id());
}

void Session::finish_connect(Instant now) {
  const auto found = context_.connects.find(transport_.id().index);
  CHECK(found != context_.connects.end());
  const std::unique_ptr<PendingConnect> connect = std::move(found->second);
  context_.connects.erase(found);
  if (connect->failed) {
    // Until the peer has answered the close it is in its channels, and nobody keeps what it gets.
    context_.hub.release(transport_.id().index);
    fail(connect->id, ErrorCode::kInternal);
    return disconnect(DisconnectCode::kInternalError, now);
  }
  std::vector<std::vector<PublicationOut>> publications(connect->channels.size());
  std::vector<ServerSubscription> subs;
  for (std::size_t i = 0; i < connect->channels.size(); ++i) {
    const PendingConnect::Channel& channel = connect->channels[i];
    for (const PendingConnect::Publication& each : channel.publications) {
      publications[i].push_back({each.data, unpack_client_info(each.info), each.offset});
    }
    subs.push_back({channel.name, result_of(channel.name, channel.outcome, publications[i], now)});
  }
  const Uuid::Text client = client_.text();
  ConnectResult result{.client = client.view(), .version = context_.settings.version};
  if (!refreshed_by_application()) {
    result.expires = !identity_.expiry().never();
    result.ttl = ttl_of(identity_.expiry(), now);
  }
  result.data = connect->data;
  result.pong = ping_style_ == PingStyle::kMessage;
  result.ping_seconds =
      result.pong ? static_cast<std::uint32_t>(context_.settings.ping_interval.to_seconds()) : 0;
  result.subs = subs;
  encoder().connect(message(), connect->id, result);
  send();
  state_ = State::kQuiet;
  context_.hub.release(transport_.id().index);
  for (const SharedBytes& frame : connect->held) transport_.send_frame(frame);
  const Duration half = context_.settings.ping_interval / 2;
  const auto jitter =
      static_cast<std::int64_t>(context_.random.below(static_cast<std::uint64_t>(half.ns) + 1));
  ping_at(now + half + nanoseconds(jitter));
}

// --- later ---------------------------------------------------------------------------------------

bool Session::is_over(const TokenTimes& times, std::int64_t calendar) const {
  return times.expires_at != 0 && times.expires_at <= calendar && !context_.settings.insecure;
}

Expiry Session::expiry_of(const TokenTimes& times, std::int64_t calendar, Instant now) const {
  if (times.expires_at == 0 || context_.settings.insecure) return {};
  return Expiry::of_calendar(times.expires_at, calendar, now);
}

std::optional<Identity> Session::identity_of(const ConnectClaims& claims, std::int64_t calendar,
                                             Instant now) const {
  return Identity::make({.user = claims.user,
                         .info = claims.info,
                         .expiry = expiry_of(claims.times, calendar, now),
                         .issued_at = seconds_of(claims.times.issued_at),
                         .token_hash = hash_of(claims.token_id)});
}

std::uint32_t Session::ttl_of(Expiry expiry, Instant now) const {
  if (expiry.never()) return 0;
  const std::int64_t left = (expiry.instant() - now).to_seconds();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, UINT32_MAX));
}

// Of the channels that a token brings along. REQUIRES: none stands there twice.
bool Session::has_just(std::span<const ClaimedSubscription> subs) const {
  const SubscriberId self = transport_.id().index;
  return context_.hub.server_side_of(self) == subs.size() &&
         std::ranges::all_of(subs, [this, self](const ClaimedSubscription& sub) {
           return context_.hub.server_side(self, sub.channel);
         });
}

void Session::handle(std::uint32_t id, const RefreshCommand& command, Instant now) {
  if (command.token.empty()) return disconnect(DisconnectCode::kBadRequest, now);
  if (!context_.tokens.usable()) return fail(id, ErrorCode::kNotAvailable);
  const std::int64_t calendar = context_.tokens.now();
  auto verified = context_.tokens.connect(command.token);
  if (!verified.ok()) {
    note_refusal(verified.error(), now);
    const bool expired = token_expired(verified.error());
    return disconnect(expired ? DisconnectCode::kExpired : DisconnectCode::kInvalidToken, now);
  }
  const ConnectClaims& claims = *verified;
  if (claims.user != user()) {
    note_refusal(TokenError::kIsForAnother, now);
    return disconnect(DisconnectCode::kInvalidToken, now);
  }
  if (is_over(claims.times, calendar)) {
    note_refusal(TokenError::kGrantIsOver, now);
    return fail(id, ErrorCode::kExpired);
  }
  // Other channels than it has now, more or fewer: it comes back and gets them.
  if (!has_just(claims.subs)) return disconnect(DisconnectCode::kInsufficientState, now);
  auto identity = identity_of(claims, calendar, now);
  if (!identity) return disconnect(DisconnectCode::kInvalidToken, now);
  identity_ = std::move(*identity);
  by_application_ = false;  // from now on a token holds
  restore_deadline(now);
  const Uuid::Text client = client_.text();
  encoder().refresh(message(), id,
                    {.client = client.view(),
                     .version = context_.settings.version,
                     .expires = !identity_.expiry().never(),
                     .ttl = ttl_of(identity_.expiry(), now)});
  send();
}

TokenMark Session::mark_of(const SubscribeClaims& claims) {
  return {.issued_at = std::min(seconds_of(claims.times.issued_at), TokenMark::kNoToken - 1),
          .hash = hash_of(claims.token_id)};
}

bool Session::is_revoked(TokenMark token, const Revocation& revocation) const {
  switch (revocation.what) {
    case Revocation::What::kToken:
      return token.hash == hash_of(revocation.name);
    case Revocation::What::kUser:
      return user() == revocation.name && token.issued_at < revocation.before;
    case Revocation::What::kEverything:
      return token.issued_at < revocation.before;
  }
  CHECK(false);
  return false;
}

void Session::look_at(const Revocation& revocation, Instant now) {
  if (client_.none() || state_ == State::kClosed) return;
  // A part of the hash is all that is left of a token's id. So it may be another one, which finds
  // its way back.
  const bool surely = revocation.what != Revocation::What::kToken;
  // Who came without a token has none that could be revoked.
  if (identity_.proven() &&
      is_revoked({identity_.issued_at(), identity_.token_hash()}, revocation)) {
    return disconnect(surely ? DisconnectCode::kInvalidToken : DisconnectCode::kForceReconnect,
                      now);
  }
  // A subscription's token is one of its own, and is taken from nobody in particular, too.
  const auto revoked = context_.notes.channels_of(
      transport_.id().index, [&](TokenMark token) { return is_revoked(token, revocation); });
  for (const std::string& channel : revoked) {
    if (!transport_.open()) return;
    revoke_subscription(
        channel, surely ? UnsubscribeCode::kServer : UnsubscribeCode::kInsufficientState, now);
  }
}

}  // namespace millrace

// What each command does. The lifecycle of a session is in session.cc.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/hub/channel_name.h"
#include "net/session/session.h"
#include "proto/reply_encoder.h"

namespace millrace {

void Session::handle(std::uint32_t, const PongCommand&, Instant now) {
  if (ping_style_ == PingStyle::kMessage && state_ == State::kPinged) {
    pong_came();
  } else {
    disconnect(DisconnectCode::kBadRequest, now);
  }
}

void Session::handle(std::uint32_t id, const ConnectCommand& command, Instant now) {
  if (connected()) return disconnect(DisconnectCode::kBadRequest, now);
  if (!context_.settings.insecure) {
    // This version verifies no tokens: none can be valid, and nobody is let in without one.
    return disconnect(
        command.token.empty() ? DisconnectCode::kBadRequest : DisconnectCode::kInvalidToken, now);
  }
  client_ = Uuid::random(context_.random);
  ++context_.metrics.clients;
  if (context_.arrivals != nullptr) context_.arrivals->on_arrived(transport_.id());
  const Uuid::Text client = client_.text();
  ConnectReply told{.client = client.view(), .version = context_.settings.version};
  told.pong = ping_style_ == PingStyle::kMessage;
  told.ping_seconds =
      told.pong ? static_cast<std::uint32_t>(context_.settings.ping_interval.to_seconds()) : 0;
  reply(encode_connect_reply(id, told));
  state_ = State::kQuiet;
  const Duration half = context_.settings.ping_interval / 2;
  const auto jitter =
      static_cast<std::int64_t>(context_.random.below(static_cast<std::uint64_t>(half.ns) + 1));
  ping_at(now + half + nanoseconds(jitter));
}

void Session::handle(std::uint32_t id, const SubscribeCommand& command, Instant now) {
  if (command.channel.empty()) return disconnect(DisconnectCode::kBadRequest, now);
  if (check_channel_name(command.channel) != ChannelNameError::kOk) {
    return fail(id, ErrorCode::kBadRequest);
  }
  if (context_.settings.find_namespace(command.channel) == nullptr) {
    return fail(id, ErrorCode::kUnknownChannel);
  }
  switch (context_.hub.subscribe(transport_.id().index, command.channel, id)) {
    case Hub::Subscribe::kLive:
      return reply(encode_subscribe_reply(id));
    case Hub::Subscribe::kPending:
      return;  // the reply comes with on_subscribed()
    case Hub::Subscribe::kAlready:
      return fail(id, ErrorCode::kAlreadySubscribed);
    case Hub::Subscribe::kSubscriberLimit:
    case Hub::Subscribe::kChannelLimit:
      return fail(id, ErrorCode::kLimitExceeded);
  }
}

void Session::handle(std::uint32_t id, const UnsubscribeCommand& command, Instant now) {
  if (command.channel.empty()) return disconnect(DisconnectCode::kBadRequest, now);
  const SubscriberId self = transport_.id().index;
  // Who leaves need not wait for the broker any more.
  if (const auto ticket = context_.hub.pending(self, command.channel)) on_subscribed(*ticket);
  context_.hub.unsubscribe(self, command.channel);
  reply(encode_unsubscribe_reply(id));
}

void Session::handle(std::uint32_t id, const PublishCommand& command, Instant now) {
  if (command.channel.empty()) return disconnect(DisconnectCode::kBadRequest, now);
  if (check_channel_name(command.channel) != ChannelNameError::kOk || command.data.empty() ||
      command.data.size() > context_.settings.publication_bytes) {
    return fail(id, ErrorCode::kBadRequest);
  }
  if (context_.settings.find_namespace(command.channel) == nullptr) {
    return fail(id, ErrorCode::kUnknownChannel);
  }
  const auto token = context_.fanout.begin_publish(transport_.id(), id);
  if (!token) return fail(id, ErrorCode::kTooManyRequests);
  ++context_.metrics.client_publishes_total;
  const Uuid::Text client = client_.text();
  context_.hub.publish({command.channel, command.data, identity_.user(), client.view(), 0}, *token);
}

void Session::handle(std::uint32_t id, const UnavailableCommand&, Instant) {
  fail(id, ErrorCode::kNotAvailable);
}

void Session::handle(std::uint32_t, const SendCommand&, Instant now) {
  disconnect(DisconnectCode::kNotAvailable, now);
}

}  // namespace millrace

// Publishing, and questions.
#include <algorithm>
#include <vector>

#include "core/base/assert.h"
#include "net/session/session.h"

namespace millrace {

void Session::handle(std::uint32_t, const PongCommand&, Instant now) {
  if (ping_style_ == PingStyle::kMessage && state_ == State::kPinged) {
    pong_came();
  } else {
    disconnect(DisconnectCode::kBadRequest, now);
  }
}

void Session::handle(std::uint32_t id, const PublishCommand& command, Instant now) {
  const NamespaceSettings* settings = settings_for(id, command.channel, now);
  if (settings == nullptr) return;
  if (command.data.empty() || command.data.size() > context_.settings.publication_bytes) {
    return fail(id, ErrorCode::kBadRequest);
  }
  const bool asked = settings->proxy_publish && asks(ProxyMethod::kPublish);
  if (!asked && !may(settings->publish, asker(command.channel)))
    return fail(id, ErrorCode::kPermissionDenied);
  if (settings->payload == PayloadKind::kBinary && format_ == WireFormat::kJson) {
    return fail(id, ErrorCode::kNotAvailable);
  }
  const auto data = payload_of(command.data, *settings, true);
  if (!data) return fail(id, ErrorCode::kBadRequest);
  if (!asked) return publish(id, command.channel, *data, settings->stream, now);
  if (!ask({.method = ProxyMethod::kPublish,
            .channel = command.channel,
            .data = *data,
            .data_is_json = settings->payload == PayloadKind::kJson},
           now)) {
    fail(id, ErrorCode::kInternal);
  }
}

std::optional<Bytes> Session::payload_of(Bytes data, const NamespaceSettings& settings,
                                         bool from_client) const {
  if (data.empty() || data.size() > context_.settings.publication_bytes) return std::nullopt;
  // The decoder of JSON has checked what came by it.
  const bool checked = from_client && format_ == WireFormat::kJson;
  Bytes out = data;
  if (settings.payload == PayloadKind::kJson && !checked && !context_.payloads.check(data, out)) {
    return std::nullopt;
  }
  return out;
}

void Session::publish(std::uint32_t id, Bytes channel, Bytes data, const StreamOptions& stream,
                      Instant now) {
  const auto token = context_.fanout.begin(transport_.id(), id);
  if (!token) return fail(id, ErrorCode::kTooManyRequests);
  ++context_.metrics.client_publishes_total;
  // Owned: a publication that shows a hole ends subscriptions on its way, perhaps ours, and with
  // them what the views of member() show.
  const OwnedBytes info = pack_client_info(member(channel));
  context_.hub.publish({channel, data, unpack_client_info(info), {}}, stream, *token, now);
}

void Session::on_published(std::uint32_t ticket, bool accepted) {
  if (!accepted) return fail(ticket, ErrorCode::kInternal);
  encoder().publish(message(), ticket);
  send();
}

ClientInfo Session::member(Bytes channel) {
  const SubscriptionNote* note = context_.notes.find(transport_.id().index, channel);
  context_.client_text = client_.text();
  return {user(), context_.client_text.view(), identity_.info(),
          note == nullptr ? Bytes() : Bytes(note->info)};
}

// --- history -------------------------------------------------------------------------------------

void Session::handle(std::uint32_t id, const HistoryCommand& command, Instant now) {
  const NamespaceSettings* settings = settings_for(id, command.channel, now);
  if (settings == nullptr) return;
  if (!settings->stream.kept()) return fail(id, ErrorCode::kNotAvailable);
  if (!may(settings->read_history, asker(command.channel))) {
    return fail(id, ErrorCode::kPermissionDenied);
  }
  if (settings->payload == PayloadKind::kBinary && format_ == WireFormat::kJson) {
    return fail(id, ErrorCode::kNotAvailable);
  }
  HistoryQuery query;
  query.reverse = command.reverse;
  const auto most = context_.settings.history_page;
  const bool all = command.limit < 0 || static_cast<std::uint32_t>(command.limit) > most;
  query.limit = all ? most : static_cast<std::uint32_t>(command.limit);
  if (command.since) {
    const auto epoch = Epoch::parse(command.since->epoch);
    if (!epoch) return fail(id, ErrorCode::kUnrecoverablePosition);
    if (command.reverse && command.since->offset == 0) return fail(id, ErrorCode::kBadRequest);
    query.since = StreamPosition{command.since->offset, *epoch};
  }
  const auto token = context_.fanout.begin(transport_.id(), id);
  if (!token) return fail(id, ErrorCode::kTooManyRequests);
  if (query.limit != 0) begin_question(id);
  context_.hub.read_history(command.channel, query, settings->stream, *token, now);
}

void Session::on_history(std::uint32_t ticket, const HistoryPage& page) {
  end_question(ticket);
  switch (page.outcome) {
    case HistoryOutcome::kWrongEpoch:
      return fail(ticket, ErrorCode::kUnrecoverablePosition);
    case HistoryOutcome::kUnavailable:
      return fail(ticket, ErrorCode::kInternal);
    case HistoryOutcome::kOk:
      break;
  }
  std::vector<PublicationOut> publications;
  publications.reserve(page.publications.size());
  for (const KeptPublication& each : page.publications) {
    publications.push_back({each.data, each.info, each.offset});
  }
  encoder().history(message(), ticket, {publications, page.top.epoch.text(), page.top.offset});
  send();
}

// --- presence ------------------------------------------------------------------------------------

void Session::handle(std::uint32_t id, const PresenceCommand& command, Instant now) {
  ask_presence(id, command.channel, false, now);
}

void Session::handle(std::uint32_t id, const PresenceStatsCommand& command, Instant now) {
  ask_presence(id, command.channel, true, now);
}

void Session::ask_presence(std::uint32_t id, Bytes channel, bool counts_only, Instant now) {
  const NamespaceSettings* settings = settings_for(id, channel, now);
  if (settings == nullptr) return;
  if (!settings->presence.members) return fail(id, ErrorCode::kNotAvailable);
  if (!may(settings->read_presence, asker(channel))) return fail(id, ErrorCode::kPermissionDenied);
  const auto token = context_.fanout.begin(transport_.id(), id, counts_only);
  if (!token) return fail(id, ErrorCode::kTooManyRequests);
  if (!counts_only) begin_question(id);
  context_.hub.read_presence(channel, counts_only, *token, now);
}

void Session::on_presence(std::uint32_t ticket, const PresencePage& page) {
  end_question(ticket);
  if (!page.available) return fail(ticket, ErrorCode::kInternal);
  encoder().presence(message(), ticket, page.members);
  send();
}

void Session::on_presence_counts(std::uint32_t ticket, const PresencePage& page) {
  if (!page.available) return fail(ticket, ErrorCode::kInternal);
  encoder().presence_stats(message(), ticket, page.counts);
  send();
}

}  // namespace millrace

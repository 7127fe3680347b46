#include "net/api/api_desk.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/hub/channel_name.h"

namespace millrace {

namespace {

constexpr const char* kMissingData = "data is missing or too large";

}  // namespace

ApiDesk::ApiDesk(const ApiDeskParts& parts, ApiNodeInfo self, Instant now)
    : parts_(parts),
      self_(std::move(self)),
      started_(now),
      orders_(parts.sessions, parts.hub, parts.metrics, *this) {
  parts_.reactor.add_source(*this, "calls of the server API");
}

ApiDesk::~ApiDesk() { parts_.reactor.timers().cancel(timer_); }

// --- calls ---------------------------------------------------------------------------------------

void ApiDesk::take(ApiMethod method, Bytes params, ApiScope scope, ApiTaker& taker,
                   std::uint64_t token, Instant now) {
  const Token id = open(method, scope, taker, token, now);
  if (id == 0) return;
  auto request = reader_.read(method, params, parts_.sessions.context().tokens.now());
  if (!request.ok()) return close(id, ApiOutcome::of(request.error()), now);
  carry_out(id, params, std::move(*request), now);
}

void ApiDesk::take_lines(Bytes body, ApiTaker& taker, std::uint64_t token, Instant now) {
  const Token id = open(ApiMethod::kBatch, ApiScope::kCluster, taker, token, now);
  if (id == 0) return;
  std::vector<ApiSeries::Line> lines;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    const Bytes line = json_trim(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.empty()) continue;
    if (lines.size() == kMaxBatchCommands) {
      return fail(id, ErrorCode::kBadRequest, now,
                  "more than " + std::to_string(kMaxBatchCommands) + " lines");
    }
    auto read = reader_.read_line(line);
    if (!read.ok() && read.error().malformed) return close(id, ApiOutcome::of(read.error()), now);
    if (read.ok()) {
      lines.push_back({std::move(*read), std::nullopt});
    } else {
      lines.push_back({{}, ApiOutcome::of(read.error())});
    }
  }
  if (lines.empty()) {
    return close(id, ApiOutcome::of({true, ErrorCode::kBadRequest, "the body is empty"}), now);
  }
  begin_series(id, std::make_unique<ApiSeries>(steps(), id, std::move(lines)), now);
}

ApiDesk::Token ApiDesk::open(ApiMethod method, ApiScope scope, ApiTaker& taker, std::uint64_t token,
                             Instant now) {
  ++parts_.metrics.api_calls_total;
  if (calls_.size() >= kMaxCalls) {
    ++parts_.metrics.api_errors_total;
    taker.on_api_outcome(token, ApiOutcome::failed(ErrorCode::kTooManyRequests), now);
    return 0;
  }
  auto call = std::make_unique<Call>();
  call->method = method;
  call->taker = &taker;
  call->token = token;
  call->scope = scope;
  calls_.emplace(++last_, std::move(call));
  return last_;
}

void ApiDesk::close(Token id, ApiOutcome outcome, Instant now) {
  const auto found = calls_.find(id);
  CHECK(found != calls_.end());
  const std::unique_ptr<Call> call = std::move(found->second);
  calls_.erase(found);
  if (call->surveys) --surveys_;
  series_bytes_ -= call->bytes;
  // It may be what is calling.
  if (call->series != nullptr) ended_.push_back(std::move(call->series));
  if (outcome.error) ++parts_.metrics.api_errors_total;
  call->taker->on_api_outcome(call->token, std::move(outcome), now);
}

void ApiDesk::fail(Token id, ErrorCode code, Instant now, std::string why) {
  close(id, ApiOutcome::failed(code, std::move(why)), now);
}

void ApiDesk::carry_out(Token id, Bytes params, ApiRequest request, Instant now) {
  std::visit([&](auto& what) { start(id, params, what, now); }, request);
}

const NamespaceSettings* ApiDesk::settings_for(Token id, Bytes channel, Instant now) {
  const NamespaceSettings* settings = parts_.settings.find_namespace(channel);
  if (settings == nullptr) fail(id, ErrorCode::kUnknownChannel, now);
  return settings;
}

// --- publishing ----------------------------------------------------------------------------------

void ApiDesk::start(Token id, Bytes, ApiPublish& publish, Instant now) {
  const ChannelNameError name = check_channel_name(publish.channel);
  if (name != ChannelNameError::kOk) {  // of a broadcast
    return fail(id, ErrorCode::kBadRequest, now, std::string(channel_name_error_text(name)));
  }
  const NamespaceSettings* settings = settings_for(id, publish.channel, now);
  if (settings == nullptr) return;
  if (publish.data.empty() || publish.data.size() > parts_.settings.publication_bytes) {
    return fail(id, ErrorCode::kBadRequest, now, kMissingData);
  }
  Bytes data = publish.data;
  if (publish.binary && settings->payload == PayloadKind::kJson &&
      !payloads_.check(publish.data, data)) {
    return fail(id, ErrorCode::kBadRequest, now, "the channel takes JSON");
  }
  if (!publish.idempotency_key.empty()) {
    return publish_keyed(id,
                         {id, publish.channel, OwnedBytes(data), publish.idempotency_key,
                          settings->stream, publish.skip_history},
                         now);
  }
  const auto ticket = parts_.fanout.begin(*this, id);
  if (!ticket) return fail(id, ErrorCode::kTooManyRequests, now);
  ++parts_.metrics.api_publishes_total;
  parts_.hub.publish(
      {.channel = publish.channel, .data = data, .skips_history = publish.skip_history},
      settings->stream, *ticket, now);
}

void ApiDesk::on_published(std::uint64_t ticket, PublishOutcome outcome,
                           const StreamPosition& position) {
  const bool accepted = outcome == PublishOutcome::kAccepted;
  if ((ticket & kOfKey) != 0) {
    const auto callers = keyed_.finish(ticket & ~kOfKey, accepted, position);
    const std::uint32_t error = accepted ? 0 : static_cast<std::uint32_t>(ErrorCode::kInternal);
    for (const KeyedPublications::Caller& each : callers) {
      tell_keyed(each.shard, {each.call, error, position}, now());
    }
    return;
  }
  if (accepted) return close(ticket, ApiOutcome::done(publish_result(position)), now());
  fail(ticket, ErrorCode::kInternal, now(), "the broker is away; try again");
}

void ApiDesk::publish_keyed(Token id, KeyedPublish publish, Instant now) {
  const ShardId home{
      static_cast<std::uint16_t>(hash_bytes(publish.channel) % parts_.client_shards)};
  if (home == parts_.mailbox.self()) return take_keyed(home, publish, now);
  Message message(std::move(publish));
  if (!parts_.mailbox.try_send(home, message)) {
    ++parts_.metrics.mailbox_refused_total;
    fail(id, ErrorCode::kInternal, now, "a shard is busy; try again");
  }
}

// At home.
void ApiDesk::take_keyed(ShardId from, const KeyedPublish& publish, Instant now) {
  const auto begun = keyed_.begin(publish.channel, publish.key, {from, publish.call}, now);
  switch (begun.begun) {
    case KeyedPublications::Begun::kWaits:
      return;
    case KeyedPublications::Begun::kKnown:
      return tell_keyed(from, {publish.call, 0, begun.position}, now);
    case KeyedPublications::Begun::kFull:
      return tell_keyed(
          from, {publish.call, static_cast<std::uint32_t>(ErrorCode::kTooManyRequests), {}}, now);
    case KeyedPublications::Begun::kFirst:
      break;
  }
  const auto ticket = parts_.fanout.begin(*this, begun.id | kOfKey);
  if (!ticket) {
    for (const KeyedPublications::Caller& each : keyed_.finish(begun.id, false, {})) {
      tell_keyed(each.shard,
                 {each.call, static_cast<std::uint32_t>(ErrorCode::kTooManyRequests), {}}, now);
    }
    return;
  }
  ++parts_.metrics.api_publishes_total;
  parts_.hub.publish({.channel = publish.channel,
                      .data = publish.data,
                      .idempotency = publish.key,
                      .skips_history = publish.skips_history},
                     publish.options, *ticket, now);
}

void ApiDesk::tell_keyed(ShardId to, KeyedPublished published, Instant now) {
  if (to == parts_.mailbox.self()) return on_keyed(published, now);
  parts_.mailbox.send(to, published);
}

void ApiDesk::on_keyed(const KeyedPublished& published, Instant now) {
  if (published.error == 0) {
    return close(published.call, ApiOutcome::done(publish_result(published.position)), now);
  }
  fail(published.call, static_cast<ErrorCode>(published.error), now);
}

// --- questions about a channel -------------------------------------------------------------------

void ApiDesk::start(Token id, Bytes, ApiPresence& presence, Instant now) {
  const NamespaceSettings* settings = settings_for(id, presence.channel, now);
  if (settings == nullptr) return;
  if (!settings->presence.members) return fail(id, ErrorCode::kNotAvailable, now);
  const auto ticket = parts_.fanout.begin(*this, id);
  if (!ticket) return fail(id, ErrorCode::kTooManyRequests, now);
  parts_.hub.read_presence(presence.channel, presence.counts_only, *ticket, now);
}

void ApiDesk::on_presence(std::uint64_t ticket, const PresencePage& page) {
  if (!page.available) return fail(ticket, ErrorCode::kInternal, now());
  const bool counts = calls_.at(ticket)->method == ApiMethod::kPresenceStats;
  close(
      ticket,
      ApiOutcome::done(counts ? presence_stats_result(page.counts) : presence_result(page.members)),
      now());
}

void ApiDesk::start(Token id, Bytes, ApiHistory& history, Instant now) {
  const NamespaceSettings* settings = settings_for(id, history.channel, now);
  if (settings == nullptr) return;
  if (!settings->stream.kept()) return fail(id, ErrorCode::kNotAvailable, now);
  HistoryQuery query;
  query.reverse = history.reverse;
  const std::int64_t most = parts_.settings.history_page;
  const bool all = history.limit < 0 || history.limit > most;
  query.limit = static_cast<std::uint32_t>(all ? most : history.limit);
  if (history.since) {
    const auto epoch = Epoch::parse(history.since->epoch);
    if (!epoch) return fail(id, ErrorCode::kUnrecoverablePosition, now);
    if (history.reverse && history.since->offset == 0) {
      return fail(id, ErrorCode::kBadRequest, now, "nothing is before offset 0");
    }
    query.since = StreamPosition{history.since->offset, *epoch};
  }
  const auto ticket = parts_.fanout.begin(*this, id);
  if (!ticket) return fail(id, ErrorCode::kTooManyRequests, now);
  calls_.at(id)->binary = settings->payload == PayloadKind::kBinary;
  parts_.hub.read_history(history.channel, query, settings->stream, *ticket, now);
}

void ApiDesk::start(Token id, Bytes, ApiHistoryRemove& remove, Instant now) {
  const NamespaceSettings* settings = settings_for(id, remove.channel, now);
  if (settings == nullptr) return;
  if (!settings->stream.kept()) return fail(id, ErrorCode::kNotAvailable, now);
  const auto ticket = parts_.fanout.begin(*this, id);
  if (!ticket) return fail(id, ErrorCode::kTooManyRequests, now);
  parts_.hub.remove_history(remove.channel, *ticket, now);
}

void ApiDesk::on_history(std::uint64_t ticket, const HistoryPage& page) {
  const Call& call = *calls_.at(ticket);
  switch (page.outcome) {
    case HistoryOutcome::kWrongEpoch:
      return fail(ticket, ErrorCode::kUnrecoverablePosition, now());
    case HistoryOutcome::kUnavailable:
      return fail(ticket, ErrorCode::kInternal, now());
    case HistoryOutcome::kOk:
      break;
  }
  const bool removed = call.method == ApiMethod::kHistoryRemove;
  close(ticket, ApiOutcome::done(removed ? "{}" : history_result(page, call.binary)), now());
}

bool ApiDesk::on_message(ShardId from, Message& message, Instant now) {
  if (auto* order = std::get_if<ApiOrder>(&message)) {
    // Read here once more: the same bytes mean the same to every shard.
    auto request = reader_.read(static_cast<ApiMethod>(order->method), order->params,
                                parts_.sessions.context().tokens.now());
    CHECK(request.ok());
    orders_.take(from, order->call, std::move(*request), now);
    return true;
  }
  if (auto* share = std::get_if<ApiShare>(&message)) {
    on_share(parts_.mailbox.self(), std::move(*share), now);
    return true;
  }
  if (const auto* publish = std::get_if<KeyedPublish>(&message)) {
    take_keyed(from, *publish, now);
    return true;
  }
  if (const auto* published = std::get_if<KeyedPublished>(&message)) {
    on_keyed(*published, now);
    return true;
  }
  return false;
}

}  // namespace millrace

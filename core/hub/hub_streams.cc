// Joining a channel that has a stream, and keeping to its position.
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "core/hub/hub.h"

namespace millrace {

namespace {

constexpr unsigned kAskerShift = 60;

}  // namespace

RequestToken Hub::token_of(Asker asker, SlotId id) {
  return std::uint64_t{static_cast<std::uint8_t>(asker)} << kAskerShift | id.pack();
}

// --- questions -----------------------------------------------------------------------------------

void Hub::publish(const Publication& publication, const StreamOptions& options, RequestToken token,
                  Instant now) {
  shard_.verify();
  CHECK_EQ(token >> kAskerShift, 0U);
  now_ = now;
  broker_->publish(publication, options, token, now);
}

void Hub::read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                       RequestToken token, Instant now) {
  shard_.verify();
  CHECK_EQ(token >> kAskerShift, 0U);
  now_ = now;
  broker_->read_history(channel, query, options, token, now);
}

void Hub::remove_history(Bytes channel, RequestToken token, Instant now) {
  shard_.verify();
  CHECK_EQ(token >> kAskerShift, 0U);
  now_ = now;
  broker_->remove_history(channel, token, now);
}

void Hub::read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now) {
  shard_.verify();
  CHECK_EQ(token >> kAskerShift, 0U);
  now_ = now;
  broker_->read_presence(channel, counts_only, token, now);
}

void Hub::on_published(RequestToken token, PublishOutcome outcome, const StreamPosition& position) {
  sink_.published(token, outcome, position);
}

void Hub::on_presence(RequestToken token, const PresencePage& page) { sink_.presence(token, page); }

void Hub::on_history(RequestToken token, const HistoryPage& page) {
  shard_.verify();
  const SlotId id = SlotId::unpack(token & ((std::uint64_t{1} << kAskerShift) - 1));
  switch (static_cast<Asker>(token >> kAskerShift)) {
    case Asker::kSink:
      return sink_.history(token, page);
    case Asker::kJoin:
      return finish_join(id, page);
    case Asker::kCheck:
      return check_top(id, page);
  }
  CHECK(false);
}

// --- joining -------------------------------------------------------------------------------------

void Hub::ask_for_stream(SlotId join_id, Instant now) {
  const Join* join = joins_.find(join_id);
  CHECK(join != nullptr);
  const Channel* channel = channels_.find(join->channel);
  CHECK(channel != nullptr);
  HistoryQuery query;
  if (join->recovering && join->since) {
    query.since = join->since;
    query.limit = join->limit;
  }
  broker_->read_history(channel->name, query, channel->stream->options,
                        token_of(Asker::kJoin, join_id), now);
}

void Hub::finish_join(SlotId join_id, const HistoryPage& page) {
  const Join* join = joins_.find(join_id);
  if (join == nullptr) return;  // it left meanwhile
  Channel* channel = channels_.find(join->channel);
  CHECK(channel != nullptr);
  // A top that this shard is beyond already would hide what came by since.
  const bool behind = channel->stream->position.epoch == page.top.epoch &&
                      page.top.offset < channel->stream->position.offset;
  if (page.outcome == HistoryOutcome::kUnavailable || behind) {
    return refuse(join_id, SubscribeOutcome::Failure::kUnavailable);
  }
  const bool recovered = join->recovering && join->since.has_value() &&
                         page.outcome == HistoryOutcome::kOk && page.complete;
  if (join->recovering) ++(recovered ? metrics_.recoveries_total : metrics_.unrecovered_total);
  if (join->recovering && !recovered && join->all_or_nothing) {
    return refuse(join_id, SubscribeOutcome::Failure::kUnrecoverable);
  }
  // Those who are here already have had everything up to the top, or have lost some.
  const bool broken = breaks(*channel->stream, page.top, page.newest.value_or(page.top.offset));
  follow(*channel, page.top);
  if (broken) lose_all(channel->slot);
  // Who was told of a loss may have ended this one too.
  if (joins_.find(join_id) != nullptr) welcome(join_id, page, recovered);
}

void Hub::welcome(SlotId join_id, const HistoryPage& page, bool recovered) {
  const Join join = *joins_.find(join_id);
  joins_.release(join_id);
  Channel& channel = *channels_.find(join.channel);
  SubscriptionEntry& entry = lists_[join.who][find_entry(lists_[join.who], channel)];
  SubscribeOutcome outcome;
  outcome.positioned = entry.positioned;
  outcome.recoverable = join.recoverable;
  outcome.was_recovering = join.recovering;
  outcome.delta = join.delta;
  outcome.recovered = recovered;
  outcome.position = page.top;
  if (recovered) {
    outcome.position.offset = join.since->offset;
    outcome.publications = page.publications;
  }
  if (join.delta && !outcome.publications.empty()) {
    channel.stream->last.assign(outcome.publications.back().data);
    place_of(channel, entry).based = 1;
  }
  become_live(channel, entry, join.who, now_);
  delivering_ = true;
  sink_.subscribed(join.who, channel.name, join.ticket, outcome);
  delivering_ = false;
}

void Hub::refuse(SlotId join_id, SubscribeOutcome::Failure failure) {
  const Join join = *joins_.find(join_id);
  const std::string name = channels_.find(join.channel)->name;
  unsubscribe(join.who, name, now_);
  SubscribeOutcome outcome;
  outcome.failure = failure;
  sink_.subscribed(join.who, name, join.ticket, outcome);
}

// --- positions -----------------------------------------------------------------------------------

// What stands before `position` has not come by, or this is another stream.
bool Hub::breaks(const ChannelStream& stream, const StreamPosition& position,
                 std::uint64_t previous) {
  if (stream.position.epoch.none()) return false;  // this is the first that the shard hears of it
  return stream.position.epoch != position.epoch || previous > stream.position.offset;
}

void Hub::follow(Channel& channel, const StreamPosition& position) {
  StreamPosition& own = channel.stream->position;
  if (own.epoch != position.epoch || position.offset > own.offset) own = position;
}

void Hub::on_position(Bytes name, const StreamPosition& position) {
  shard_.verify();
  Channel* channel = channels_.find(name);
  if (channel == nullptr || channel->stream == nullptr) return;
  const bool broken = breaks(*channel->stream, position, position.offset);
  if (channel->stream->position.epoch.none()) return;  // nobody has been told a position
  follow(*channel, position);
  if (broken) lose_all(channel->slot);
}

// Who is told may be the publisher, or use the buffers that the publication views.
void Hub::spread_behind_break(Channel& channel, const Publication& publication) {
  const OwnedBytes name(publication.channel);
  const OwnedBytes data(publication.data);
  const OwnedBytes info = pack_client_info(publication.info);
  const Publication kept{name, data, unpack_client_info(info), publication.position,
                         publication.previous};
  const SlotId id = channel.slot;
  follow(channel, kept.position);
  lose_all(id);
  Channel* left = channels_.find(id);
  if (left != nullptr) spread(*left, kept, {});
}

// Ends the subscriptions of those who were promised to be told. Who is joining has not been told a
// position yet.
void Hub::lose_all(SlotId channel_id) {
  Channel* channel = channels_.find(channel_id);
  const std::string name = channel->name;
  channel->stream->last.clear();
  std::vector<SubscriberId> losers;
  for (Subscriber& each : channel->subscribers) {
    each.based = 0;
    if (each.joining) continue;
    SubscriptionList& list = lists_[each.id];
    if (list[find_entry(list, *channel)].positioned) losers.push_back(each.id);
  }
  if (!losers.empty()) ++metrics_.positions_lost_total;
  for (const SubscriberId who : losers) lose(who, name, now_);
}

// It may have gone when another was told.
bool Hub::lose(SubscriberId who, Bytes channel, Instant now) {
  shard_.verify();
  const SubscriptionEntry* entry = entry_of(who, channel);
  if (entry == nullptr) return false;
  const bool server_side = entry->server_side;
  unsubscribe(who, channel, now);
  sink_.lost(who, channel, server_side);
  return true;
}

std::optional<Hub::Gap> Hub::gap(std::uint32_t slot, InterestToken until) {
  shard_.verify();
  const Channel* channel = slot < channels_.slots() ? channels_.find_slot(slot) : nullptr;
  if (channel == nullptr || channel->interest > until) return std::nullopt;
  Gap gap{.channel = channel->name, .missed = {}};
  for (const Subscriber& each : channel->subscribers) {
    SubscriptionList& list = lists_[each.id];
    if (!each.joining && !list[find_entry(list, *channel)].positioned) {
      gap.missed.push_back(each.id);
    }
  }
  return gap;
}

void Hub::check_positions(std::uint32_t count, Instant now) {
  shard_.verify();
  now_ = now;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (next_check_ >= channels_.slots()) next_check_ = 0;
    const Channel* channel = channels_.find_slot(next_check_++);
    if (channel == nullptr || channel->stream == nullptr) continue;
    if (channel->stream->positioned == 0 || !channel->live) continue;
    broker_->read_history(channel->name, {}, channel->stream->options,
                          token_of(Asker::kCheck, channel->slot), now);
  }
}

void Hub::check_top(SlotId channel_id, const HistoryPage& page) {
  Channel* channel = channels_.find(channel_id);
  if (channel == nullptr || page.outcome == HistoryOutcome::kUnavailable) return;
  const bool broken = breaks(*channel->stream, page.top, page.newest.value_or(page.top.offset));
  follow(*channel, page.top);
  if (broken) lose_all(channel_id);
}

}  // namespace millrace

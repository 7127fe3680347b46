// Who is in a channel, between the shards of the members and the channel's owner.
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/hub/memory_broker.h"
#include "core/hub/presence_bytes.h"

namespace millrace {

// Comings and goings must arrive, or somebody would stay for ever: they may wait in the spill,
// which holds one for each subscription that has begun or ended.
void MemoryBroker::add_member(Bytes channel, const ClientInfo& member,
                              const PresenceOptions& options, Instant now) {
  const ShardId owner = owner_of(channel);
  MemberChange change{OwnedBytes(channel), pack_client_info(member), options, true};
  if (owner == mailbox_.self()) {
    change_member(owner, change, now);
  } else {
    mailbox_.send(owner, std::move(change));
  }
}

void MemoryBroker::remove_member(Bytes channel, Bytes client, Instant now) {
  const ShardId owner = owner_of(channel);
  MemberChange change{OwnedBytes(channel), pack_client_info({.client = client}), {}, false};
  if (owner == mailbox_.self()) {
    change_member(owner, change, now);
  } else {
    mailbox_.send(owner, std::move(change));
  }
}

// A table that is full counts whom it refuses.
void MemoryBroker::change_member(ShardId shard, const MemberChange& change, Instant now) {
  const ClientInfo member = unpack_client_info(change.member);
  if (change.added) {
    static_cast<void>(presence_.add(change.channel, shard.value, member, change.options, now));
  } else {
    presence_.remove(change.channel, member.client, now);
  }
  plan_announcement();
}

void MemoryBroker::read_presence(Bytes channel, bool counts_only, RequestToken token, Instant) {
  const ShardId owner = owner_of(channel);
  if (owner == mailbox_.self()) {
    take(answer(PresenceRequest{OwnedBytes(channel), token, 0, counts_only}));
    return;
  }
  Message message =
      PresenceRequest{OwnedBytes(channel), token, bytes_taken_[owner.value], counts_only};
  if (mailbox_.try_send(owner, message)) return;
  ++metrics_.mailbox_refused_total;
  events_.on_presence(token, {.available = false});
}

// A copy, on this shard too: whoever is answered may change the table at once.
PresenceAnswer MemoryBroker::answer(const PresenceRequest& request) {
  PresenceAnswer made{.token = request.token, .counts = presence_.counts(request.channel)};
  if (!request.counts_only) {
    made.members = pack_members(presence_.members(request.channel, kMembersListed));
  }
  return made;
}

void MemoryBroker::answer(ShardId from, const PresenceRequest& request) {
  std::uint64_t& sent = bytes_sent_[from.value];
  if (!request.counts_only && sent - request.bytes_taken >= kAnswerBytes) {
    mailbox_.send(from, PresenceAnswer{.token = request.token, .available = false});
    return;
  }
  PresenceAnswer made = answer(request);
  sent += made.members.size();
  mailbox_.send(from, std::move(made));
}

void MemoryBroker::take(const PresenceAnswer& answer) {
  const std::vector<ClientInfo> members = unpack_members(answer.members);
  events_.on_presence(answer.token,
                      {.available = answer.available, .counts = answer.counts, .members = members});
}

// First they are collected: who is told may change the table.
void MemoryBroker::announce(Instant now) {
  std::vector<PresenceNews> all;
  presence_.announce(now, [&all](Bytes channel, std::span<const PresenceChange> changes) {
    all.push_back({OwnedBytes(channel), pack_changes(changes)});
  });
  plan_announcement();
  for (const PresenceNews& news : all) spread(news);
}

// Those who miss it can ask; this shard itself comes last, as with publications.
void MemoryBroker::spread(const PresenceNews& news) {
  bool wanted_here = false;
  for (const ShardId shard : owned_.wanted_by(news.channel)) {
    if (shard == mailbox_.self()) {
      wanted_here = true;
      continue;
    }
    Message message = news;
    if (mailbox_.try_send(shard, message)) continue;
    ++metrics_.mailbox_refused_total;
    ++metrics_.broker_dropped_full_total;
  }
  if (wanted_here) events_.on_presence_changes(news.channel, unpack_changes(news.changes));
}

void MemoryBroker::plan_announcement() {
  const Instant due = presence_.next_due();
  if (due == Instant::never() || (announcement_.armed() && announcement_.deadline() <= due)) return;
  timers_.arm(announcement_, due, *this);
}

bool MemoryBroker::on_presence_message(ShardId from, Message& message, Instant now) {
  if (const auto* change = std::get_if<MemberChange>(&message)) {
    change_member(from, *change, now);
    return true;
  }
  if (const auto* request = std::get_if<PresenceRequest>(&message)) {
    answer(from, *request);
    return true;
  }
  if (const auto* taken = std::get_if<PresenceAnswer>(&message)) {
    bytes_taken_[from.value] += taken->members.size();
    take(*taken);
    return true;
  }
  if (const auto* news = std::get_if<PresenceNews>(&message)) {
    events_.on_presence_changes(news->channel, unpack_changes(news->changes));
    return true;
  }
  return false;
}

}  // namespace millrace

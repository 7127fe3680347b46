#include "core/hub/presence_table.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <utility>

#include "core/base/assert.h"
#include "core/base/hash.h"

namespace millrace {

namespace {

// Of an id inside a channel. Both hashes are keyed, so nobody can choose ids that collide.
std::uint32_t hash_in(const PresenceChannel& channel, Bytes id) {
  return static_cast<std::uint32_t>(channel.name_hash ^ hash_bytes(id));
}

}  // namespace

PresenceTable::PresenceTable(const PresenceLimits& limits, ShardMetrics& metrics)
    : limits_(limits), metrics_(metrics) {
  CHECK_GT(limits.members, 0U);
}

PresenceTable::~PresenceTable() = default;

bool PresenceTable::add(Bytes name, Origin origin, const ClientInfo& info,
                        const PresenceOptions& options, Instant now) {
  move_clock(now);
  const std::uint64_t name_hash = hash_bytes(name);
  Channel* channel = find_channel(name, name_hash);
  if (Member* known = channel == nullptr ? nullptr : find_member(*channel, info.client)) {
    known->announces = options.announce;
    renew(*channel, *known, origin, info);
    if (known->left) come_back(*channel, *known);
    return true;
  }
  if (!make_room()) {
    ++metrics_.presence_refused_total;
    return false;
  }
  channel = find_channel(name, name_hash);  // it may have gone with its last record
  if (channel == nullptr) {
    channel = &channels_.insert(std::make_unique<Channel>(name, name_hash));
    metrics_.presence_channels = channels_.size();
  }
  Member& member = members_.insert(std::make_unique<Member>(
      hold_user(*channel, info.user), PresenceText(info.client, info.conn_info, info.chan_info),
      hash_in(*channel, info.client)));
  member.origin = origin;
  member.announces = options.announce;
  enter(*channel, member, !member.announces);
  return true;
}

void PresenceTable::remove(Bytes name, Bytes client, Instant now) {
  move_clock(now);
  Channel* channel = find_channel(name, hash_bytes(name));
  Member* member = channel == nullptr ? nullptr : find_member(*channel, client);
  if (member != nullptr && !member->left) depart(*channel, *member);
}

void PresenceTable::drop_origin(Origin origin, Instant now) {
  move_clock(now);
  for (auto it = origins_.find(origin); it != origins_.end(); it = origins_.find(origin)) {
    Member& member = *it->second.front();
    depart(member.user->channel, member);
  }
}

PresenceCounts PresenceTable::counts(Bytes name) const {
  const Channel* channel = find_channel(name, hash_bytes(name));
  return channel == nullptr ? PresenceCounts() : PresenceCounts{channel->clients, channel->users};
}

std::vector<ClientInfo> PresenceTable::members(Bytes name, std::size_t limit) {
  std::vector<ClientInfo> infos;
  Channel* channel = find_channel(name, hash_bytes(name));
  if (channel == nullptr) return infos;
  infos.reserve(std::min<std::size_t>(limit, channel->clients));
  std::size_t bytes = 0;
  for (const Member* member = channel->members.front(); member != nullptr && infos.size() < limit;
       member = channel->members.next(*member)) {
    const ClientInfo info = member->info();
    bytes += kMemberEnvelope + info.user.size() + info.client.size() + info.conn_info.size() +
             info.chan_info.size();
    if (!infos.empty() && bytes > limits_.list_bytes) break;
    infos.push_back(info);
  }
  if (channel->joins > 0) ++channel->era;
  return infos;
}

std::vector<Bytes> PresenceTable::users(Bytes name, std::size_t most) const {
  std::vector<Bytes> ids;
  const Channel* channel = find_channel(name, hash_bytes(name));
  if (channel == nullptr || channel->users > most) return ids;
  boost::unordered_flat_set<const User*> found;
  found.reserve(channel->users);
  std::size_t walked = 0;
  for (const Member* member = channel->members.front();
       member != nullptr && found.size() < channel->users && walked < kMaxMembersWalked;
       member = channel->members.next(*member), ++walked) {
    found.insert(member->user);
  }
  if (found.size() < channel->users) return ids;
  ids.reserve(found.size());
  for (const User* user : found) ids.push_back(user->id());
  return ids;
}

Instant PresenceTable::next_due() const {
  const Instant batch = batches_.empty() ? Instant::never() : batches_.front()->due;
  return waiting_ == nullptr ? batch : std::min(batch, waiting_->left_at + kLeaveDelay);
}

void PresenceTable::announce(Instant now, const Tell& tell) {
  move_clock(now);
  for (std::size_t i = 0; i < kMaxLeavesPerCall; ++i) {
    if (waiting_ == nullptr || waiting_->left_at + kLeaveDelay > now_) break;
    open_batch(waiting_->user->channel);
    waiting_ = departed_.next(*waiting_);
  }
  std::size_t told = 0;
  for (std::size_t i = 0; i < kMaxBatchesPerCall && told < kMaxChangesPerCall; ++i) {
    Channel* const first = batches_.front();
    if (first == nullptr || first->due > now_) break;
    told += tell_batch(*first, tell);
  }
}

std::size_t PresenceTable::tell_batch(Channel& channel, const Tell& tell) {
  batches_.remove(channel);
  channel.due = Instant::never();
  while (!channel.left.empty() && channel.left.front()->left_at + kLeaveDelay <= now_) {
    leaving_.push_back(channel.left.front());
    unlist_departed(channel, *leaving_.back());
  }
  const std::size_t joins = std::min<std::size_t>(
      channel.joins, kMaxChangesPerBatch - std::min(leaving_.size(), kMaxChangesPerBatch / 2));
  const std::size_t leaves = std::min(leaving_.size(), kMaxChangesPerBatch - joins);
  const std::size_t all = channel.joins + leaving_.size();
  std::size_t bytes = 0;
  const auto append = [&](bool joined, const Member& member) {
    const ClientInfo info = member.info();
    bytes += info.user.size() + info.client.size() + info.conn_info.size() + info.chan_info.size();
    if (bytes <= kMaxBatchBytes) changes_.push_back({joined, info});
  };
  const Member* join = channel.first_join;
  for (std::size_t i = 0; i < joins; ++i, join = channel.members.next(*join)) append(true, *join);
  for (std::size_t i = 0; i < leaves; ++i) append(false, *leaving_[i]);
  metrics_.presence_changes_dropped_total += all - changes_.size();
  channel.joins = 0;
  channel.first_join = nullptr;
  channel.batch_era = ++channel.era;

  const std::size_t told = changes_.size();
  if (told > 0) {
    ++metrics_.presence_batches_total;
    metrics_.presence_changes_total += told;
    telling_ = true;
    tell(channel.name, changes_);
    telling_ = false;
  }
  changes_.clear();
  for (Member* member : leaving_) erase(*member);
  leaving_.clear();
  erase_if_empty(channel);
  return told;
}

void PresenceTable::open_batch(Channel& channel) {
  if (channel.due != Instant::never()) return;
  channel.due = now_ + kAnnounceInterval;
  batches_.push_back(channel);
}

void PresenceTable::enter(Channel& channel, Member& member, bool told) {
  member.left = false;
  member.untold = false;
  origins_[member.origin].push_back(member);
  metrics_.presence_members += 1;
  ++channel.clients;
  if (member.user->clients++ == 0) ++channel.users;
  if (told) {
    member.era = 0;
    channel.members.push_front(member);  // the last are those who are not told
    return;
  }
  member.era = channel.era;
  channel.members.push_back(member);
  if (channel.joins++ == 0) channel.first_join = &member;
  open_batch(channel);
}

void PresenceTable::leave(Channel& channel, Member& member) {
  if (channel.pending(member)) {
    --channel.joins;
    if (channel.first_join == &member) channel.first_join = channel.members.next(member);
  }
  channel.members.remove(member);
  if (--member.user->clients == 0) --channel.users;
  --channel.clients;
  metrics_.presence_members -= 1;
  const auto origin = origins_.find(member.origin);
  origin->second.remove(member);
  if (origin->second.empty()) origins_.erase(origin);
}

void PresenceTable::depart(Channel& channel, Member& member) {
  const bool pending = channel.pending(member);
  const bool may_be_known = !pending || member.era < channel.era;
  leave(channel, member);
  if (!member.announces || !may_be_known) {
    erase(member);
    erase_if_empty(channel);
    return;
  }
  if (now_ >= channel.leaves_from + kAnnounceInterval) {
    channel.leaves_from = now_;
    channel.leaves = 0;
  }
  if (channel.leaves == kMaxLeavesKept) {
    ++metrics_.presence_changes_dropped_total;
    erase(member);
    erase_if_empty(channel);
    return;
  }
  ++channel.leaves;
  member.left = true;
  member.untold = pending;
  member.left_at = now_;
  channel.left.push_back(member);
  departed_.push_back(member);
  if (waiting_ == nullptr) waiting_ = &member;
}

void PresenceTable::unlist_departed(Channel& channel, Member& member) {
  if (waiting_ == &member) waiting_ = departed_.next(member);
  departed_.remove(member);
  channel.left.remove(member);
}

void PresenceTable::come_back(Channel& channel, Member& member) {
  unlist_departed(channel, member);
  if (member.left_at >= channel.leaves_from) --channel.leaves;
  enter(channel, member, !member.untold || !member.announces);
}

void PresenceTable::renew(Channel& channel, Member& member, Origin origin, const ClientInfo& info) {
  const ClientInfo old = member.info();
  const bool silenced = !member.left && channel.pending(member) && !member.announces;
  if (info == old && member.origin == origin && !silenced) return;
  // Out and in again, so that every count and list is right whatever has changed.
  const std::uint64_t era = silenced || !channel.pending(member) ? 0 : member.era;
  if (!member.left) leave(channel, member);
  if (info.user != old.user) {
    User& before = *member.user;
    member.user = &hold_user(channel, info.user);
    let_go_user(before);
  }
  if (info.conn_info != old.conn_info || info.chan_info != old.chan_info) {
    member.text = PresenceText(info.client, info.conn_info, info.chan_info);
  }
  member.origin = origin;
  if (member.left) return;
  enter(channel, member, era == 0);
  member.era = era;
}

bool PresenceTable::make_room() {
  if (members_.size() < limits_.members) return true;
  if (departed_.empty()) return false;
  Member& first = *departed_.front();
  Channel& channel = first.user->channel;
  ++metrics_.presence_changes_dropped_total;
  unlist_departed(channel, first);
  erase(first);
  erase_if_empty(channel);
  return true;
}

void PresenceTable::erase(Member& member) {
  User& user = *member.user;
  members_.take(member);
  let_go_user(user);
}

void PresenceTable::erase_if_empty(Channel& channel) {
  if (!channel.empty()) return;
  if (channel.due != Instant::never()) batches_.remove(channel);
  channels_.take(channel);
  metrics_.presence_channels = channels_.size();
}

PresenceTable::User& PresenceTable::hold_user(Channel& channel, Bytes id) {
  const std::uint32_t hash = hash_in(channel, id);
  User* user = users_.find(
      hash, [&](const User& each) { return &each.channel == &channel && each.id() == id; });
  if (user == nullptr) user = &users_.insert(std::make_unique<User>(channel, id, hash));
  ++user->records;
  return *user;
}

void PresenceTable::let_go_user(User& user) {
  if (--user.records == 0) users_.take(user);
}

PresenceTable::Channel* PresenceTable::find_channel(Bytes name, std::uint64_t hash) const {
  return channels_.find(static_cast<std::uint32_t>(hash),
                        [&](const Channel& each) { return each.name == name; });
}

PresenceTable::Member* PresenceTable::find_member(const Channel& channel, Bytes client) const {
  return members_.find(hash_in(channel, client), [&](const Member& each) {
    return &each.user->channel == &channel && each.text.client() == client;
  });
}

void PresenceTable::move_clock(Instant now) {
  CHECK(!telling_);
  now_ = std::max(now_, now);
}

}  // namespace millrace

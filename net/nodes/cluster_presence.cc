#include "net/nodes/cluster_presence.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/assert.h"
#include "core/hub/presence_bytes.h"
#include "net/nodes/node_subjects.h"

namespace millrace {

namespace {

// One of the node's shards answers, whichever.
constexpr const char* kQueue = "presence";

std::uint32_t number(std::uint64_t count) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(count, kMost));
}

std::size_t listed_size(const ClientInfo& member) {
  return PresenceTable::kMemberEnvelope + member.user.size() + member.client.size() +
         member.conn_info.size() + member.chan_info.size();
}

std::uint64_t users_of_both(std::vector<std::uint64_t> here, const GatheredPresence& others) {
  std::sort(here.begin(), here.end());
  std::uint64_t only_here = 0;
  for (const std::uint64_t user : here) {
    if (!std::binary_search(others.users.begin(), others.users.end(), user)) ++only_here;
  }
  return only_here + others.users.size() + others.users_apart;
}

}  // namespace

ClusterPresence::ClusterPresence(const ClusterPresenceParts& parts, std::size_t client_shards,
                                 const PresenceLimits& limits)
    : port_(parts.port),
      mailbox_(parts.mailbox),
      timers_(parts.timers),
      events_(parts.events),
      metrics_(parts.metrics),
      client_shards_(client_shards),
      list_bytes_(limits.list_bytes),
      table_(limits, parts.metrics),
      news_(parts.port, parts.events, parts.metrics),
      gather_(parts.port, parts.directory, parts.timers, parts.metrics, limits.list_bytes, *this),
      bytes_sent_(client_shards),
      bytes_taken_(client_shards) {
  CHECK_GT(client_shards, 0U);
  CHECK_LE(client_shards, mailbox_.shards());
  port_.subscribe(node_subject(port_.options().subject_prefix, parts.directory.self(), "presence"),
                  *this, kQueue);
}

ClusterPresence::~ClusterPresence() { timers_.cancel(announcement_); }

ShardId ClusterPresence::owner_of(Bytes channel) const {
  return ShardId{static_cast<std::uint16_t>(hash_bytes(channel) % client_shards_)};
}

bool ClusterPresence::on_message(ShardId from, Message& message, Instant now) {
  if (const auto* change = std::get_if<MemberChange>(&message)) {
    change_member(from, *change, now);
    return true;
  }
  if (const auto* request = std::get_if<PresenceRequest>(&message)) {
    answer(from, *request, now);
    return true;
  }
  if (const auto* made = std::get_if<PresenceAnswer>(&message)) {
    take(from, *made);
    return true;
  }
  return false;
}

// --- who comes and goes --------------------------------------------------------------------------

// They must arrive: they may wait in the spill, which holds one for each subscription that has
// begun or ended.
void ClusterPresence::add_member(Bytes channel, const ClientInfo& member,
                                 const PresenceOptions& options, Instant now) {
  if (options.announce) news_.want(channel);
  const ShardId owner = owner_of(channel);
  MemberChange change{OwnedBytes(channel), pack_client_info(member), options, true};
  if (owner == mailbox_.self()) {
    change_member(owner, change, now);
  } else {
    mailbox_.send(owner, std::move(change));
  }
}

void ClusterPresence::remove_member(Bytes channel, Bytes client, Instant now) {
  const ShardId owner = owner_of(channel);
  MemberChange change{OwnedBytes(channel), pack_client_info({.client = client}), {}, false};
  if (owner == mailbox_.self()) {
    change_member(owner, change, now);
  } else {
    mailbox_.send(owner, std::move(change));
  }
}

// A table that is full counts whom it refuses.
void ClusterPresence::change_member(ShardId shard, const MemberChange& change, Instant now) {
  const ClientInfo member = unpack_client_info(change.member);
  if (change.added) {
    static_cast<void>(table_.add(change.channel, shard.value, member, change.options, now));
  } else {
    table_.remove(change.channel, member.client, now);
  }
  plan_announcement();
}

void ClusterPresence::on_timer(Timer& /*timer*/, Instant now) { announce(now); }

void ClusterPresence::announce(Instant now) {
  table_.announce(now, [this](Bytes channel, std::span<const PresenceChange> changes) {
    news_.tell(channel, changes);
  });
  plan_announcement();
}

void ClusterPresence::plan_announcement() {
  const Instant due = table_.next_due();
  if (due == Instant::never() || (announcement_.armed() && announcement_.deadline() <= due)) return;
  timers_.arm(announcement_, due, *this);
}

// As many as the table has kept; what finds the lane to NATS full is dropped and counted.
void ClusterPresence::tell_last(Instant now) {
  for (Instant due = table_.next_due(); due != Instant::never(); due = table_.next_due()) {
    announce(std::max(now, due));
  }
  timers_.cancel(announcement_);
}

// --- who asks ------------------------------------------------------------------------------------

void ClusterPresence::read_presence(Bytes channel, bool counts_only, RequestToken token,
                                    Instant now) {
  const ShardId owner = owner_of(channel);
  if (owner == mailbox_.self()) {
    gather_.ask(channel, counts_only, {owner, token}, now);
    return;
  }
  PresenceRequest request{.channel = OwnedBytes(channel), .counts_only = counts_only};
  if (ask_owner(owner, std::move(request), {token, {}, counts_only})) return;
  events_.on_presence(token, {.available = false});
}

bool ClusterPresence::ask_owner(ShardId owner, PresenceRequest request, Asked asked) {
  if (asked_.size() >= kMaxAsked) return false;
  request.token = last_asked_ + 1;
  request.bytes_taken = bytes_taken_[owner.value];
  Message message = std::move(request);
  if (!mailbox_.try_send(owner, message)) {
    ++metrics_.mailbox_refused_total;
    return false;
  }
  asked_.emplace(++last_asked_, std::move(asked));
  return true;
}

// Another node's question.
void ClusterPresence::on_nats_message(NatsSubscriptionId /*id*/, const NatsMessageView& message,
                                      Instant /*now*/) {
  auto question = reader_.question(message.data());
  std::string inbox(message.reply());
  if (!question || !is_inbox(inbox)) {
    ++metrics_.node_messages_dropped_total;
    return;
  }
  const bool counts_only = question->counts_only;
  const ShardId owner = owner_of(question->channel);
  if (owner == mailbox_.self()) {
    return reply(inbox, of_this_node(question->channel, counts_only), counts_only);
  }
  PresenceRequest request{
      .channel = std::move(question->channel), .counts_only = counts_only, .this_node = true};
  if (!ask_owner(owner, std::move(request), {0, inbox, counts_only})) {
    reply(inbox, {.available = false}, counts_only);
  }
}

// At the owner.
void ClusterPresence::answer(ShardId from, const PresenceRequest& request, Instant now) {
  const PresenceAsker asker{from, request.token, request.bytes_taken};
  if (!request.this_node) return gather_.ask(request.channel, request.counts_only, asker, now);
  std::uint64_t& sent = bytes_sent_[from.value];
  PresenceAnswer made{.available = false};
  if (request.counts_only || sent - request.bytes_taken < kAnswerBytes) {
    made = of_this_node(request.channel, request.counts_only);
  }
  made.token = request.token;
  sent += made.members.size();
  mailbox_.send(from, std::move(made));
}

void ClusterPresence::on_gathered(const PresenceAsker& asker, Bytes channel, bool counts_only,
                                  const GatheredPresence* others) {
  const bool here = asker.shard == mailbox_.self();
  std::uint64_t& sent = bytes_sent_[asker.shard.value];
  const bool room = here || counts_only || sent - asker.bytes_taken < kAnswerBytes;
  PresenceAnswer made{.available = false};
  if (others != nullptr && room) made = of_all(channel, counts_only, *others);
  made.token = asker.token;
  if (!here) {
    sent += made.members.size();
    mailbox_.send(asker.shard, std::move(made));
    return;
  }
  // A copy of the table's: whoever is answered may change it at once.
  const std::vector<ClientInfo> members = unpack_members(made.members);
  events_.on_presence(made.token,
                      {.available = made.available, .counts = made.counts, .members = members});
}

void ClusterPresence::take(ShardId from, const PresenceAnswer& answer) {
  bytes_taken_[from.value] += answer.members.size();
  const auto found = asked_.find(answer.token);
  CHECK(found != asked_.end());
  const Asked asked = std::move(found->second);
  asked_.erase(found);
  if (!asked.inbox.empty()) return reply(asked.inbox, answer, asked.counts_only);
  const std::vector<ClientInfo> members = unpack_members(answer.members);
  events_.on_presence(asked.token,
                      {.available = answer.available, .counts = answer.counts, .members = members});
}

// One that finds the lane full is missed by who asked, and makes their answer an error.
void ClusterPresence::reply(const std::string& inbox, const PresenceAnswer& answer,
                            bool counts_only) {
  NatsPost post{inbox, {}};
  if (!answer.available) {
    post.data = presence_unavailable_json();
  } else if (counts_only) {
    post.data = presence_counts_json(answer.counts, answer.users);
  } else {
    post.data = presence_list_json(answer.counts, unpack_members(answer.members));
  }
  static_cast<void>(port_.publish(std::move(post)));
}

// --- answers -------------------------------------------------------------------------------------

std::vector<std::uint64_t> ClusterPresence::digests(Bytes channel) const {
  std::vector<std::uint64_t> all;
  for (const Bytes user : table_.users(channel, kUsersCompared)) all.push_back(user_digest(user));
  return all;
}

PresenceAnswer ClusterPresence::of_this_node(Bytes channel, bool counts_only) {
  PresenceAnswer made{.counts = table_.counts(channel)};
  if (counts_only) {
    made.users = digests(channel);
  } else {
    made.members = pack_members(table_.members(channel, kMaxListed));
  }
  return made;
}

PresenceAnswer ClusterPresence::of_all(Bytes channel, bool counts_only,
                                       const GatheredPresence& others) {
  const PresenceCounts here = table_.counts(channel);
  PresenceAnswer made{.counts = {number(here.clients + others.clients), here.users}};
  if (counts_only) {
    const std::vector<std::uint64_t> users = digests(channel);
    const bool compared = users.size() == here.users;
    made.counts.users = number(compared ? users_of_both(users, others)
                                        : here.users + others.users.size() + others.users_apart);
    return made;
  }
  std::vector<ClientInfo> listed = table_.members(channel, kMaxListed);
  std::size_t bytes = 0;
  for (const ClientInfo& member : listed) bytes += listed_size(member);
  for (const ClientInfo& member : unpack_members(others.members)) {
    bytes += listed_size(member);
    if (listed.size() >= kMaxListed || (!listed.empty() && bytes > list_bytes_)) break;
    listed.push_back(member);
  }
  made.members = pack_members(listed);
  return made;
}

}  // namespace millrace

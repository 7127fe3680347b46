// Who is in the channels that one shard owns, and what is told of their coming and going.
//
// Exact at once: counts() and members(). Announcements are coalesced, because in a crowd everyone
// would be told of everyone:
// 1. A channel's changes gather in a batch, which is told kAnnounceInterval after its first change.
//    So nobody gets more than one batch a second, whatever the churn.
// 2. A join enters a batch when it happens, a leave kLeaveDelay after it happened. A client that
//    comes and goes within a batch is not told, nor one that goes and comes back before its leave
//    is told. Only if members() was asked while a join waited to be told, and the client goes
//    before it is, the leave is told alone: who asked may know the client, others ignore it.
// 3. A batch tells joins before leaves. So of a user who is back with another client before the
//    leave of the old one is told, the join is told first: who counts users by what is told never
//    sees the user gone. This holds while nothing is dropped.
// 4. A batch holds at most kMaxChangesPerBatch changes; half of them are the leaves', if there are
//    as many; and at most kMaxBatchBytes. What is beyond is dropped and counted: presence can be
//    asked for. So a leave may be told of a client whose join was not.
// Members whose options do not announce are never told.
//
// Owner: a broker, on its shard. Time is an argument and there is no timer inside. Limit:
// `members` records; those who have left and are not told yet have one too, and give it up first.
// Each call is O(1), but for drop_origin() and what members() lists; tables grow by steps. A member
// with a user id and a UUID of 36 bytes each costs 240 bytes, and its infos as they are; a user's
// second client in the channel 136. What is taken is given back. Client ids are kept as text: a
// list of members views them as they lie.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/intrusive_list.h"
#include "core/hub/client_info.h"
#include "core/hub/presence.h"
#include "core/hub/presence_records.h"
#include "core/mem/chain_table.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/instant.h"

namespace millrace {

struct PresenceLimits {
  std::uint32_t members = 4'194'304;  // over all channels of the table
  // Of one list, names, infos and kMemberEnvelope each; it has one member at least.
  std::size_t list_bytes = 512U * 1024U;
};

class PresenceTable {
 public:
  static constexpr Duration kAnnounceInterval = seconds(1);
  static constexpr Duration kLeaveDelay = seconds(5);
  // What a client is told around a member, and its id a second time.
  static constexpr std::size_t kMemberEnvelope = 128;
  static constexpr std::size_t kMaxChangesPerBatch = 200;
  // Of ids and infos: a batch fits into a client's send queue with room to spare.
  static constexpr std::size_t kMaxBatchBytes = 131'072;
  // Of the clients that leave a channel within kAnnounceInterval so many are kept to be told.
  static constexpr std::uint32_t kMaxLeavesKept = 200;
  // Of one announce().
  static constexpr std::size_t kMaxBatchesPerCall = 64;
  static constexpr std::size_t kMaxChangesPerCall = 1000;
  static constexpr std::size_t kMaxLeavesPerCall = 4096;  // that come of age

  static constexpr std::size_t kMaxMembersWalked = 16'384;  // of one users()

  // Where a member's subscription is: a shard, or a node. Opaque.
  using Origin = PresenceOrigin;
  // Views: they live for the call. It must not call the table.
  using Tell = std::function<void(Bytes channel, std::span<const PresenceChange> changes)>;

  PresenceTable(const PresenceLimits& limits, ShardMetrics& metrics);
  ~PresenceTable();
  PresenceTable(const PresenceTable&) = delete;
  PresenceTable& operator=(const PresenceTable&) = delete;

  // A client that is there already gets the new info, options and origin; nobody is told.
  // False: the table is full, the member is not in it.
  [[nodiscard]] bool add(Bytes channel, Origin origin, const ClientInfo& member,
                         const PresenceOptions& options, Instant now);
  // A client that is not there is ignored: it may have been refused.
  void remove(Bytes channel, Bytes client, Instant now);
  // All members of the origin leave. O(members of the origin).
  void drop_origin(Origin origin, Instant now);

  [[nodiscard]] PresenceCounts counts(Bytes channel) const;
  // At most `limit`, in no order that means anything. The views live until the next add(),
  // remove(), drop_origin() or announce().
  [[nodiscard]] std::vector<ClientInfo> members(Bytes channel, std::size_t limit);

  // Each user once, in no order that means anything; nobody if the channel has more than `most`, or
  // if they are not all found among its first kMaxMembersWalked clients. The views live as long.
  [[nodiscard]] std::vector<Bytes> users(Bytes channel, std::size_t most) const;

  // When announce() has something to do; never() if nothing.
  [[nodiscard]] Instant next_due() const;
  // Tells what is due, a bounded part of it: the rest stays due.
  void announce(Instant now, const Tell& tell);

  // Records: members, and those who have left and are not told yet.
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] std::size_t channels() const { return channels_.size(); }

 private:
  using Member = PresenceMember;
  using User = PresenceUser;
  using Channel = PresenceChannel;
  using TableList = IntrusiveList<Member, &Member::in_table>;

  [[nodiscard]] Channel* find_channel(Bytes name, std::uint64_t hash) const;
  [[nodiscard]] Member* find_member(const Channel& channel, Bytes client) const;
  // The one who left first gives up its record. False: there is none.
  bool make_room();

  User& hold_user(Channel& channel, Bytes id);
  void let_go_user(User& user);

  // Into the channel, the counts and its origin; and out of them.
  void enter(Channel& channel, Member& member, bool told);
  void leave(Channel& channel, Member& member);
  void come_back(Channel& channel, Member& member);
  void renew(Channel& channel, Member& member, Origin origin, const ClientInfo& info);
  // It is told of, if it is to be and there is room.
  void depart(Channel& channel, Member& member);
  void unlist_departed(Channel& channel, Member& member);
  void erase(Member& member);
  void erase_if_empty(Channel& channel);

  void open_batch(Channel& channel);
  // How many changes were told.
  std::size_t tell_batch(Channel& channel, const Tell& tell);
  void move_clock(Instant now);

  const PresenceLimits limits_;
  ShardMetrics& metrics_;
  ChainTable<Channel> channels_;
  ChainTable<User> users_;
  ChainTable<Member> members_;
  boost::unordered_flat_map<Origin, TableList> origins_;
  TableList departed_;         // in the order of leaving
  Member* waiting_ = nullptr;  // the first of them whose kLeaveDelay is not over
  IntrusiveList<Channel, &Channel::in_queue> batches_;  // by due
  Instant now_{};  // never goes back, so that the lists are in order
  bool telling_ = false;
  std::vector<PresenceChange> changes_;  // of the batch that is told
  std::vector<Member*> leaving_;
};

}  // namespace millrace

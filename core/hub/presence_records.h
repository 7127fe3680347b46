// What core/hub/presence_table.h keeps: a record a member, a user and a channel.
//
// Owner: the table, on its shard, which alone changes them; they have no rules of their own,
// neither of who is told nor of when. Limit: the table's `members`. Users and channels are there
// for members only, so there are no more of them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/intrusive_list.h"
#include "core/hub/client_info.h"
#include "core/time/instant.h"

namespace millrace {

using PresenceOrigin = std::uint16_t;

struct PresenceChannel;
struct PresenceUser;

// A client's id and infos, in one allocation with their lengths: there may be millions.
class PresenceText {
 public:
  PresenceText(Bytes client, Bytes conn_info, Bytes chan_info);

  [[nodiscard]] Bytes client() const { return part(0); }
  [[nodiscard]] Bytes conn_info() const { return part(1); }
  [[nodiscard]] Bytes chan_info() const { return part(2); }

 private:
  using Ends = std::array<std::uint32_t, 3>;  // of the parts, behind the ends themselves

  [[nodiscard]] Bytes part(std::size_t i) const;

  std::unique_ptr<char[]> block_;
};

// A client that is in a channel, or has left it and is not told yet.
struct PresenceMember {
  PresenceMember(PresenceUser& its_user, PresenceText its_text, std::uint32_t its_hash)
      : user(&its_user), text(std::move(its_text)), hash(its_hash) {}
  PresenceMember(const PresenceMember&) = delete;
  PresenceMember& operator=(const PresenceMember&) = delete;

  [[nodiscard]] ClientInfo info() const;

  std::unique_ptr<PresenceMember> next_in_chain;
  ListLink<PresenceMember> in_channel;  // among its members, or among those who have left
  ListLink<PresenceMember> in_table;    // among those of its origin, or among all who have left
  PresenceUser* user;
  PresenceText text;
  std::uint64_t era = 0;  // PresenceChannel::era when it joined; 0: its join is not to be told
  Instant left_at{};
  const std::uint32_t hash;
  PresenceOrigin origin = 0;
  bool announces : 1 = false;
  bool left : 1 = false;
  bool untold : 1 = false;  // has left before its join was told
};

// A user id in a channel. The empty one is a user too.
struct PresenceUser {
  PresenceUser(PresenceChannel& its_channel, Bytes its_id, std::uint32_t its_hash);
  PresenceUser(const PresenceUser&) = delete;
  PresenceUser& operator=(const PresenceUser&) = delete;

  [[nodiscard]] Bytes id() const { return {id_.get(), size_}; }

  std::unique_ptr<PresenceUser> next_in_chain;
  PresenceChannel& channel;
  const std::uint32_t hash;
  std::uint32_t clients = 0;  // that are in the channel
  std::uint32_t records = 0;  // and those who have left

 private:
  std::uint32_t size_;
  std::unique_ptr<char[]> id_;
};

struct PresenceChannel {
  PresenceChannel(Bytes its_name, std::uint64_t its_hash)
      : name(its_name), name_hash(its_hash), hash(static_cast<std::uint32_t>(its_hash)) {}
  PresenceChannel(const PresenceChannel&) = delete;
  PresenceChannel& operator=(const PresenceChannel&) = delete;

  [[nodiscard]] bool empty() const { return members.empty() && left.empty(); }
  // Its join waits to be told.
  [[nodiscard]] bool pending(const PresenceMember& member) const { return member.era >= batch_era; }

  std::unique_ptr<PresenceChannel> next_in_chain;
  const std::string name;
  const std::uint64_t name_hash;
  const std::uint32_t hash;
  std::uint32_t clients = 0;
  std::uint32_t users = 0;
  std::uint32_t joins = 0;  // that wait to be told: the last so many of `members`
  IntrusiveList<PresenceMember, &PresenceMember::in_channel> members;
  IntrusiveList<PresenceMember, &PresenceMember::in_channel> left;  // in the order of leaving
  PresenceMember* first_join = nullptr;
  // Grows when a batch is told, and when somebody is listed whose join is not told yet. A member
  // from before `batch_era` is told, one from before `era` may have been listed.
  std::uint64_t era = 1;
  std::uint64_t batch_era = 1;
  ListLink<PresenceChannel> in_queue;
  Instant due = Instant::never();  // of the batch, if there is one
  Instant leaves_from{};           // within kAnnounceInterval from here on `leaves` are kept
  std::uint32_t leaves = 0;
};

}  // namespace millrace

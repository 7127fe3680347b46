// What nodes ask and tell each other of who is in channels, as JSON:
//
//   question   {"channel":"room:1","counts":true}
//   answer     {"clients":3,"users":2,"digests":"9f..","members":{"<client>":{"user":"ann"}}}
//              members are there if they were asked for, digests if only counts were; a node that
//              can't tell now answers {"unavailable":true}
//   news       {"joins":{"<client>":{..}},"leaves":{"<client>":{..}}}
//
// A member is {"user":..,"conn_info":..,"chan_info":..}, what is empty left out. A digest stands
// for a user id where only numbers matter: two nodes' users can be counted as one set without their
// ids going anywhere. It is 16 hexadecimal digits each of SipHash-1-3 under a key of zeros.
//
// Limits: kMaxPresenceBody of a body, kMaxListed members, kUsersCompared digests. Errors: what
// comes from NATS is anybody's; what is not of these shapes is nothing, as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/hub/presence.h"
#include "proto/json_fields.h"
#include "proto/json_text.h"

namespace millrace {

// Below a NATS server's usual max_payload of 1 MiB.
inline constexpr std::size_t kMaxPresenceBody = 1'000'000;  // bytes
inline constexpr std::size_t kMaxListed = 10'000;           // members of a list, changes of news
// A node with more users in a channel sends no digests; its users are counted apart.
inline constexpr std::size_t kUsersCompared = 2'000;

struct PresenceQuestion {
  std::string channel;
  bool counts_only = false;
};

// What one node knows of a channel.
struct NodePresence {
  bool available = true;
  PresenceCounts counts = {};
  std::vector<std::uint64_t> users = {};  // digests
  std::vector<ClientInfo> members = {};   // views of the body, until the reader's next call
};

// The same for the same user on every node.
std::uint64_t user_digest(Bytes user);

// REQUIRES, of all: a member's conn_info and chan_info are JSON or empty.
std::string presence_question_json(Bytes channel, bool counts_only);
// Members that do not fit into kMaxPresenceBody are left out.
std::string presence_list_json(const PresenceCounts& counts, std::span<const ClientInfo> members);
std::string presence_counts_json(const PresenceCounts& counts,
                                 std::span<const std::uint64_t> users);
std::string presence_unavailable_json();
// Changes that do not fit are left out, and counted in `left_out`.
std::string presence_news_json(std::span<const PresenceChange> changes, std::size_t& left_out);

// Owner: one a shard and use.
class PresenceReader {
 public:
  [[nodiscard]] std::optional<PresenceQuestion> question(Bytes body);
  [[nodiscard]] std::optional<NodePresence> answer(Bytes body);
  // Views of the body, until the next call.
  [[nodiscard]] std::optional<std::vector<PresenceChange>> news(Bytes body);

 private:
  [[nodiscard]] bool begin(Bytes body, Bytes& object);
  // Calls `take(const ClientInfo&)` for each.
  template <typename Take>
  [[nodiscard]] bool read_members(Bytes members, const Take& take);

  JsonValidator validator_;
  JsonFieldReader fields_;
};

}  // namespace millrace

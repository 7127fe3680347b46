#include "net/nodes/presence_wire.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>
#include <limits>

#include "core/base/hash.h"
#include "core/hub/channel_name.h"
#include "proto/json_string.h"

namespace millrace {

namespace {

constexpr std::size_t kMaxClientId = 64;  // bytes; ours have 36
constexpr std::size_t kDigits = 16;       // of a digest
constexpr std::size_t kClosing = 16;      // what stands behind the last member, at most

void append_field(std::string& out, bool& first, Bytes name) {
  out.append(first ? "\"" : ",\"").append(name).append("\":");
  first = false;
}

void append_member(std::string& out, const ClientInfo& member) {
  append_json_string(out, member.client);
  out += ":{";
  bool first = true;
  if (!member.user.empty()) {
    append_field(out, first, "user");
    append_json_string(out, member.user);
  }
  if (!member.conn_info.empty()) {
    append_field(out, first, "conn_info");
    append_json_value(out, member.conn_info);
  }
  if (!member.chan_info.empty()) {
    append_field(out, first, "chan_info");
    append_json_value(out, member.chan_info);
  }
  out += '}';
}

// With its comma; false, and nothing is added, if it does not fit.
bool add_member(std::string& out, bool& first, const ClientInfo& member) {
  const std::size_t before = out.size();
  if (!first) out += ',';
  append_member(out, member);
  if (out.size() + kClosing > kMaxPresenceBody) {
    out.resize(before);
    return false;
  }
  first = false;
  return true;
}

std::string counts_head(const PresenceCounts& counts) {
  return fmt::format(R"({{"clients":{},"users":{})", counts.clients, counts.users);
}

bool read_digests(Bytes text, std::vector<std::uint64_t>& users) {
  if (text.size() % kDigits != 0 || text.size() / kDigits > kUsersCompared) return false;
  for (; !text.empty(); text.remove_prefix(kDigits)) {
    std::uint64_t digest = 0;
    const char* const end = text.data() + kDigits;
    const auto read = std::from_chars(text.data(), end, digest, 16);
    if (read.ec != std::errc() || read.ptr != end) return false;
    users.push_back(digest);
  }
  return true;
}

}  // namespace

std::uint64_t user_digest(Bytes user) { return siphash_1_3(HashKey{}, user); }

std::string presence_question_json(Bytes channel, bool counts_only) {
  std::string out = R"({"channel":)";
  append_json_string(out, channel);
  return out + (counts_only ? R"(,"counts":true})" : "}");
}

std::string presence_list_json(const PresenceCounts& counts, std::span<const ClientInfo> members) {
  std::string out = counts_head(counts) + R"(,"members":{)";
  bool first = true;
  for (const ClientInfo& member : members) {
    if (!add_member(out, first, member)) break;
  }
  return out + "}}";
}

std::string presence_counts_json(const PresenceCounts& counts,
                                 std::span<const std::uint64_t> users) {
  std::string out = counts_head(counts) + R"(,"digests":")";
  for (const std::uint64_t user : users) fmt::format_to(std::back_inserter(out), "{:016x}", user);
  return out + "\"}";
}

std::string presence_unavailable_json() { return R"({"unavailable":true})"; }

std::string presence_news_json(std::span<const PresenceChange> changes, std::size_t& left_out) {
  std::string out = "{";
  left_out = 0;
  for (const bool joined : {true, false}) {
    out += joined ? R"("joins":{)" : R"(,"leaves":{)";
    bool first = true;
    for (const PresenceChange& change : changes) {
      if (change.joined == joined && !add_member(out, first, change.member)) ++left_out;
    }
    out += '}';
  }
  return out + "}";
}

// --- reading -------------------------------------------------------------------------------------

// What nodes say is one line; a member's info goes out to clients in a line of its own.
bool PresenceReader::begin(Bytes body, Bytes& object) {
  if (body.size() > kMaxPresenceBody || body.find_first_of("\r\n") != Bytes::npos ||
      !validator_.valid(body)) {
    return false;
  }
  object = json_trim(body);
  fields_.begin(body.size());
  return object.starts_with('{');
}

std::optional<PresenceQuestion> PresenceReader::question(Bytes body) {
  Bytes object;
  if (!begin(body, object)) return std::nullopt;
  PresenceQuestion question;
  Bytes channel;
  std::array wanted = {JsonField{"channel", JsonString{&channel}},
                       JsonField{"counts", &question.counts_only}};
  if (!fields_.read(object, wanted) || check_channel_name(channel) != ChannelNameError::kOk) {
    return std::nullopt;
  }
  question.channel = channel;
  return question;
}

std::optional<NodePresence> PresenceReader::answer(Bytes body) {
  Bytes object;
  if (!begin(body, object)) return std::nullopt;
  NodePresence answer;
  std::uint64_t clients = 0;
  std::uint64_t users = 0;
  bool unavailable = false;
  Bytes digests;
  Bytes members;
  std::array wanted = {JsonField{"clients", &clients}, JsonField{"users", &users},
                       JsonField{"unavailable", &unavailable},
                       JsonField{"digests", JsonString{&digests}},
                       JsonField{"members", JsonRaw{&members}}};
  if (!fields_.read(object, wanted)) return std::nullopt;
  answer.available = !unavailable;
  if (unavailable) return answer;
  if (!wanted[0].seen || users > clients || clients > std::numeric_limits<std::uint32_t>::max() ||
      !read_digests(digests, answer.users)) {
    return std::nullopt;
  }
  answer.counts = {static_cast<std::uint32_t>(clients), static_cast<std::uint32_t>(users)};
  const auto take = [&answer](const ClientInfo& member) { answer.members.push_back(member); };
  if (!members.empty() && !read_members(members, take)) return std::nullopt;
  return answer;
}

std::optional<std::vector<PresenceChange>> PresenceReader::news(Bytes body) {
  Bytes object;
  if (!begin(body, object)) return std::nullopt;
  Bytes joins;
  Bytes leaves;
  std::array wanted = {JsonField{"joins", JsonRaw{&joins}}, JsonField{"leaves", JsonRaw{&leaves}}};
  if (!fields_.read(object, wanted)) return std::nullopt;
  std::vector<PresenceChange> changes;
  for (const bool joined : {true, false}) {
    const Bytes members = joined ? joins : leaves;
    const auto take = [&changes, joined](const ClientInfo& member) {
      changes.push_back({joined, member});
    };
    if (!members.empty() && !read_members(members, take)) return std::nullopt;
  }
  return changes;
}

template <typename Take>
bool PresenceReader::read_members(Bytes members, const Take& take) {
  if (!members.starts_with('{')) return false;
  std::size_t count = 0;
  JsonMembers each(members);
  while (each.next()) {
    ClientInfo member{.client = each.key()};
    // Ours have no escapes, and a view is all that is kept.
    if (++count > kMaxListed || member.client.empty() || member.client.size() > kMaxClientId ||
        member.client.find('\\') != Bytes::npos || !each.value().starts_with('{')) {
      return false;
    }
    std::array wanted = {JsonField{"user", JsonString{&member.user}},
                         JsonField{"conn_info", JsonRaw{&member.conn_info}},
                         JsonField{"chan_info", JsonRaw{&member.chan_info}}};
    if (!fields_.read(each.value(), wanted)) return false;
    take(member);
  }
  return true;
}

}  // namespace millrace

#include "core/hub/presence_bytes.h"

#include <cstdint>
#include <cstring>

#include "core/base/assert.h"

namespace millrace {

namespace {

// A length, a byte, and a packed info.
void append(OwnedBytes& out, const PresenceChange& change) {
  const OwnedBytes info = pack_client_info(change.member);
  CHECK_LE(info.size(), UINT32_MAX);
  const auto size = static_cast<std::uint32_t>(info.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof(size));
  out.push_back(change.joined ? 1 : 0);
  out.append(info);
}

PresenceChange take(Bytes& packed) {
  std::uint32_t size = 0;
  CHECK_LT(sizeof(size), packed.size());
  std::memcpy(&size, packed.data(), sizeof(size));
  const bool joined = packed[sizeof(size)] != 0;
  packed.remove_prefix(sizeof(size) + 1);
  CHECK_LE(size, packed.size());
  const PresenceChange change{joined, unpack_client_info(packed.substr(0, size))};
  packed.remove_prefix(size);
  return change;
}

}  // namespace

OwnedBytes pack_members(std::span<const ClientInfo> members) {
  OwnedBytes packed;
  for (const ClientInfo& member : members) append(packed, {true, member});
  return packed;
}

std::vector<ClientInfo> unpack_members(Bytes packed) {
  std::vector<ClientInfo> members;
  while (!packed.empty()) members.push_back(take(packed).member);
  return members;
}

OwnedBytes pack_changes(std::span<const PresenceChange> changes) {
  OwnedBytes packed;
  for (const PresenceChange& change : changes) append(packed, change);
  return packed;
}

std::vector<PresenceChange> unpack_changes(Bytes packed) {
  std::vector<PresenceChange> changes;
  while (!packed.empty()) changes.push_back(take(packed));
  return changes;
}

}  // namespace millrace

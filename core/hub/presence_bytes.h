// Members of a channel, and changes of them, as one string of bytes, for what crosses shards.
//
// Inside a process only: numbers are as the machine has them.
#pragma once

#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/hub/presence.h"

namespace millrace {

OwnedBytes pack_members(std::span<const ClientInfo> members);
// Views of `packed`. REQUIRES: packed by pack_members().
std::vector<ClientInfo> unpack_members(Bytes packed);

OwnedBytes pack_changes(std::span<const PresenceChange> changes);
// Views of `packed`. REQUIRES: packed by pack_changes().
std::vector<PresenceChange> unpack_changes(Bytes packed);

}  // namespace millrace

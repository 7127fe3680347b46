// The publications of a HistoryPage as one string of bytes, for what crosses shards.
//
// Inside a process only: numbers are as the machine has them.
#pragma once

#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/hub/stream.h"

namespace millrace {

// Empty for none.
OwnedBytes pack_publications(std::span<const KeptPublication> publications);
// Views of `packed`. REQUIRES: packed by pack_publications().
std::vector<KeptPublication> unpack_publications(Bytes packed);

}  // namespace millrace

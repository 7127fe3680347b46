// What another node answered to its share of a call, read from the JSON of it (api_outcome.h). It
// came by NATS, and is nobody's word until read. Pure but for the buffers.
//
// Limits: kMaxNodesListed; the size of a message bounds the channels.
#pragma once

#include "core/base/bytes.h"
#include "net/api/gathering.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr std::size_t kMaxNodesListed = 1;     // a node tells of itself alone
inline constexpr std::size_t kMaxNodeInfoText = 255;  // bytes of its id, name and version

// Error 100 if it is none.
NodeAnswer read_node_answer(JsonValidator& validator, ApiMethod method, Bytes body);

}  // namespace millrace

// The subjects that nodes speak on among themselves. `prefix` is the configured one.
//
//   millrace.node.all.<rest>    to every node
//   millrace.node.<id>.<rest>   to one
#pragma once

#include <string>

#include "core/base/bytes.h"
#include "net/nodes/node_id.h"

namespace millrace {

// REQUIRES: `rest` is tokens, as own_subject() takes them.
std::string all_nodes_subject(Bytes prefix, Bytes rest);
std::string node_subject(Bytes prefix, const NodeId& node, Bytes rest);

// Where a question of a NATS client may want its answer: `_INBOX.` and tokens of letters, digits
// and a few signs. It is the asker's word: anything else could make us publish to whom it likes.
bool is_inbox(Bytes subject);

}  // namespace millrace

#include "net/nodes/node_subjects.h"

#include <algorithm>

#include "core/base/assert.h"
#include "net/nats/subject.h"

namespace millrace {

namespace {

constexpr std::size_t kMaxInbox = 256;  // bytes
constexpr Bytes kInbox = "_INBOX.";

bool inbox_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

}  // namespace

std::string all_nodes_subject(Bytes prefix, Bytes rest) {
  return own_subject(prefix, std::string("node.all.").append(rest));
}

std::string node_subject(Bytes prefix, const NodeId& node, Bytes rest) {
  CHECK(!node.none());
  return own_subject(prefix, std::string("node.").append(node.text()).append(".").append(rest));
}

bool is_inbox(Bytes subject) {
  return subject.size() > kInbox.size() && subject.size() <= kMaxInbox &&
         subject.starts_with(kInbox) && subject.back() != '.' &&
         subject.find("..") == Bytes::npos &&
         std::all_of(subject.begin(), subject.end(), inbox_character);
}

}  // namespace millrace

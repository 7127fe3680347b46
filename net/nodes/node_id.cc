#include "net/nodes/node_id.h"

#include <algorithm>

#include "core/base/uuid.h"

namespace millrace {

namespace {

bool fits(std::size_t at, char c) {
  if (at == 8 || at == 13 || at == 18 || at == 23) return c == '-';
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}  // namespace

NodeId NodeId::random(Random& random) {
  NodeId id;
  const Uuid::Text text = Uuid::random(random).text();
  std::copy_n(text.view().data(), kBytes, id.chars_.begin());
  return id;
}

std::optional<NodeId> NodeId::parse(Bytes text) {
  if (text.size() != kBytes) return std::nullopt;
  NodeId id;
  for (std::size_t at = 0; at < kBytes; ++at) {
    if (!fits(at, text[at])) return std::nullopt;
    id.chars_[at] = text[at];
  }
  return id;
}

}  // namespace millrace

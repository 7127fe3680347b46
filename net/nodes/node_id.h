// What one run of a node is called among nodes: a random UUID, drawn at its start. A node that is
// started again is another one, so whatever is late of an old run can be told.
//
// For people there is `[server] name` beside it (node_facts.h). Pure values; the text's alphabet
// is safe in a NATS subject.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/random.h"

namespace millrace {

class NodeId {
 public:
  static constexpr std::size_t kBytes = 36;

  // None yet.
  NodeId() = default;
  static NodeId random(Random& random);
  // Exactly what text() gives of some id: "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx", in lower case.
  static std::optional<NodeId> parse(Bytes text);

  [[nodiscard]] bool none() const { return chars_[0] == '\0'; }
  [[nodiscard]] Bytes text() const { return none() ? Bytes() : Bytes(chars_.data(), kBytes); }
  auto operator<=>(const NodeId&) const = default;

 private:
  std::array<char, kBytes> chars_{};
};

}  // namespace millrace

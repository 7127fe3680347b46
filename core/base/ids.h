// Strong ids. They are plain values and may cross shards; what they name may not.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>

namespace millrace {

// A shard's number, 0-based.
struct ShardId {
  std::uint16_t value = 0;
  auto operator<=>(const ShardId&) const = default;
};

// A slot of a slab (core/mem/slab.h): an index and the generation that tells its tenant from
// earlier ones. A stale id is harmless: it finds nothing.
struct SlotId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 24 bits are used (core/ring/op.h)
  auto operator<=>(const SlotId&) const = default;

  [[nodiscard]] std::uint64_t pack() const { return std::uint64_t{generation} << 32 | index; }
  static SlotId unpack(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
  }
};

// A connection on its shard.
using ConnId = SlotId;

inline std::ostream& operator<<(std::ostream& out, ShardId id) { return out << id.value; }
inline std::ostream& operator<<(std::ostream& out, SlotId id) {
  return out << id.index << '/' << id.generation;
}

}  // namespace millrace

// Which shards want a channel, by its name: what the channel's owner has to know. A channel is here
// from the first shard that wants it to the last that does not any more.
//
// A million channels are usual and most have one shard, so one costs a pointer in the table and a
// block of its name, 4 bytes, and 2 a shard.
//
// Owner: the memory broker of the shard that owns the channels. Limits: a name has at most
// kMaxName bytes (REQUIRED; who names channels is refused far earlier), and shards are those of the
// process. Errors: none; when memory runs out: core/mem/memory_reserve.h.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/base/ids.h"

namespace millrace {

class InterestTable {
 public:
  static constexpr std::size_t kMaxName = 65'535;

  // REQUIRES: `shard` does not want it yet.
  void add(Bytes channel, ShardId shard);
  // REQUIRES: `shard` wants it.
  void remove(Bytes channel, ShardId shard);
  // Those that want it, the longest first; valid until the next change of this channel.
  [[nodiscard]] std::span<const ShardId> wanted_by(Bytes channel) const;

  // Channels that some shard wants.
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  // How many shards and how long the name is, the shards, the name.
  class Entry {
   public:
    Entry(Bytes name, std::span<const ShardId> shards);
    [[nodiscard]] Bytes name() const;
    [[nodiscard]] std::span<const ShardId> shards() const;

   private:
    struct Sizes {
      std::uint16_t shards;
      std::uint16_t name;
    };
    [[nodiscard]] Sizes sizes() const;

    std::unique_ptr<char[]> block_;
  };
  struct Hash : BytesHash {
    using BytesHash::operator();
    std::size_t operator()(const Entry& entry) const { return hash_bytes(entry.name()); }
  };
  struct Equal {
    using is_transparent = void;
    static Bytes name(Bytes bytes) { return bytes; }
    static Bytes name(const Entry& entry) { return entry.name(); }
    bool operator()(const auto& a, const auto& b) const { return name(a) == name(b); }
  };
  static_assert(sizeof(Entry) == sizeof(void*), "docs/memory.md tells what a channel costs");

  void replace(Bytes channel, std::span<const ShardId> shards);

  boost::unordered_flat_set<Entry, Hash, Equal> entries_;
};

}  // namespace millrace

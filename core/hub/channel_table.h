// The channels that have a subscriber on this shard, by name. A channel exists from its first
// subscriber to its last unsubscribe; nothing is declared beforehand.
//
// Owner: the hub. Names are hashed with a per-process key (core/base/hash.h), so that nobody can
// choose names that collide. Limit: `max_channels`; beyond it add() returns nullptr.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/hub/delivery_sink.h"
#include "core/mem/slab.h"

namespace millrace {

// What a shard knows of a channel's stream.
struct ChannelStream {
  StreamOptions options;
  StreamPosition position;       // of the last publication that came by; epoch none: not known
  std::uint32_t positioned = 0;  // subscribers
  std::uint32_t delta = 0;       // the same, who want patches
  OwnedBytes last;               // the last publication's data, if somebody wants patches
};

static_assert(sizeof(ChannelStream) == 80, "docs/memory.md tells what a channel's position costs");

struct Channel {
  explicit Channel(Bytes channel_name) : name(channel_name) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const std::string name;
  std::vector<Subscriber> subscribers;    // dense; order is not kept
  std::unique_ptr<ChannelStream> stream;  // if the channel has one
  InterestToken interest = 0;             // of the add_interest() that made it
  bool live = false;                      // false: the broker has not confirmed the interest yet
  SlotId slot;                            // its own place in the table
};

static_assert(sizeof(Channel) == 88, "docs/memory.md adds up what a channel costs");

class ChannelTable {
 public:
  explicit ChannelTable(std::uint32_t max_channels) : channels_(max_channels) {}

  [[nodiscard]] Channel* find(Bytes name);
  // REQUIRES: find(name) == nullptr. nullptr at the limit.
  [[nodiscard]] Channel* add(Bytes name);
  void remove(Channel& channel);
  // REQUIRES: the slot is taken.
  Channel& at(std::uint32_t index);
  // nullptr if it is gone.
  [[nodiscard]] Channel* find(SlotId slot) { return channels_.find(slot); }
  // The channel in a slot, or nullptr. Slots are [0, slots()).
  [[nodiscard]] Channel* find_slot(std::uint32_t index) { return channels_.find_index(index); }
  [[nodiscard]] std::uint32_t slots() const { return channels_.slots(); }

  [[nodiscard]] std::uint32_t size() const { return channels_.size(); }

 private:
  // A slot's name, or a name itself. The slots in the set are taken.
  struct NameOf {
    using is_transparent = void;
    [[nodiscard]] static Bytes name(Bytes bytes) { return bytes; }
    [[nodiscard]] Bytes name(std::uint32_t slot) const { return channels->find_index(slot)->name; }

    Slab<Channel>* channels;
  };
  struct Hash : NameOf {
    using is_avalanching = void;  // BytesHash is
    std::size_t operator()(auto key) const { return hash_bytes(name(key)); }
  };
  struct Equal : NameOf {
    bool operator()(auto a, auto b) const { return name(a) == name(b); }
  };

  Slab<Channel> channels_;
  // Slots: a name that is looked up is compared with the channel's own in any case, so a view of
  // it here would only cost 16 bytes more.
  boost::unordered_flat_set<std::uint32_t, Hash, Equal> by_name_{0, Hash{{&channels_}},
                                                                 Equal{{&channels_}}};
};

}  // namespace millrace

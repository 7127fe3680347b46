// The channels of one subscriber: a small vector in 24 bytes that holds one entry without
// allocating. Order is not kept: remove() moves the last entry into the hole. Limit: 65,535
// entries.
#pragma once

#include <cstdint>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

// A subscription as its subscriber keeps it.
struct SubscriptionEntry {
  std::uint32_t channel = 0;   // slab index of the channel
  std::uint32_t position = 0;  // its place in the channel's subscriber array
  // In the channel's stream, of the last publication that it has; 0 for none. Before the channel is
  // live there is none, and this is the ticket of the subscribe.
  std::uint64_t offset = 0;
};

class SubscriptionList {
 public:
  SubscriptionList() : inline_{} {}
  ~SubscriptionList();
  SubscriptionList(SubscriptionList&& other) noexcept;
  SubscriptionList& operator=(SubscriptionList&& other) noexcept;

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  SubscriptionEntry& operator[](std::uint32_t i) {
    CHECK_LT(i, size_);
    return data()[i];
  }
  // Returns the entry's index. REQUIRES: size() < 65,535.
  std::uint32_t add(SubscriptionEntry entry);
  // Moves the last entry to index i.
  void remove(std::uint32_t i);

 private:
  SubscriptionEntry* data() { return capacity_ <= 1 ? &inline_ : heap_; }
  void reserve(std::uint32_t capacity);

  union {
    SubscriptionEntry inline_;
    SubscriptionEntry* heap_;  // owned, capacity_ entries, once there was more than one
  };
  std::uint16_t size_ = 0;
  std::uint16_t capacity_ = 1;
};

static_assert(sizeof(SubscriptionList) == 24, "docs/memory.md adds up what a connection costs");

}  // namespace millrace

// The channels of one subscriber: a small vector in 20 bytes that holds one entry without
// allocating. Order is not kept: remove() moves the last entry into the hole. Limit: 65,535
// entries.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

// A subscription as its subscriber keeps it.
struct SubscriptionEntry {
  std::uint32_t channel = 0;   // slab index of the channel
  std::uint32_t position = 0;  // its place in the channel's subscriber array
  // While it is pending: of its subscribe, the ticket, or where the hub keeps more of it.
  std::uint32_t pending = 0;
  bool waits_for_stream : 1 = false;   // `pending` is where the hub keeps more
  bool positioned : 1 = false;         // it is told when it has missed something
  bool server_side : 1 = false;        // the server subscribed it
  bool presence_members : 1 = false;   // the broker knows it as a member, so that it can be asked
  bool presence_announce : 1 = false;  // and its coming and going is told
  bool granted : 1 = false;            // of the server's: an application ordered it later
};

static_assert(sizeof(SubscriptionEntry) == 16, "docs/memory.md adds up what a connection costs");

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
  using PointerBytes = std::array<std::byte, sizeof(std::uintptr_t)>;

  SubscriptionEntry* data() { return capacity_ <= 1 ? &inline_ : heap(); }
  [[nodiscard]] SubscriptionEntry* heap() const { return std::bit_cast<SubscriptionEntry*>(heap_); }
  void free_heap();
  void reserve(std::uint32_t capacity);

  union {
    SubscriptionEntry inline_;
    // A pointer to capacity_ entries, owned, once there was more than one. Its bytes, because its
    // alignment would cost each list 4 more.
    PointerBytes heap_;
  };
  std::uint16_t size_ = 0;
  std::uint16_t capacity_ = 1;
};

static_assert(sizeof(SubscriptionList) == 20, "docs/memory.md adds up what a connection costs");

}  // namespace millrace

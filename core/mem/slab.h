// Fixed-size object slots of one shard, found by index and generation.
//
// Slots live in chunks that are allocated when first needed and never move, so a T& stays valid
// until its slot is released. A slot's generation grows at every release: an id from an earlier
// tenant finds nothing. Generations are 24 bits wide (they travel in a completion's tag) and skip
// 0. A slot costs 4 bytes beside its tenant; a free one holds the link of the free list where its
// tenant was.
//
// Owner: one shard. Not thread-safe. Limit: `capacity` slots; acquire() beyond it returns nullptr.
// REQUIRES of T: constructible from what acquire() is given; T's destructor runs at release().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "core/base/assert.h"
#include "core/base/ids.h"
#include "core/mem/chunked_array.h"

namespace millrace {

inline constexpr std::uint32_t kGenerationMask = 0xff'ffff;

template <typename T>
class Slab {
 public:
  explicit Slab(std::uint32_t capacity) : capacity_(capacity) {}
  ~Slab() { CHECK_EQ(size_, 0U); }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  struct Acquired {
    T* object = nullptr;
    SlotId id;
  };

  // A free slot's new tenant, or {nullptr, {}} at the limit.
  template <typename... Args>
  [[nodiscard]] Acquired acquire(Args&&... args) {
    if (free_ == kNone && !grow()) return {};
    const std::uint32_t index = free_;
    Slot& slot = at(index);
    CHECK(!slot.taken);
    free_ = slot.next_free();
    slot.taken = true;
    T* object = new (slot.storage) T(std::forward<Args>(args)...);  // into the slot's own storage
    ++size_;
    return {object, SlotId{index, slot.generation}};
  }

  // REQUIRES: find(id) != nullptr.
  void release(SlotId id) {
    Slot& slot = at(id.index);
    CHECK(slot.taken);
    CHECK_EQ(slot.generation, id.generation);
    slot.object()->~T();
    slot.taken = false;
    slot.generation = (slot.generation + 1) & kGenerationMask;
    if (slot.generation == 0) slot.generation = 1;
    slot.set_next_free(free_);
    free_ = id.index;
    --size_;
  }

  // nullptr if the slot is free or has another tenant.
  [[nodiscard]] T* find(SlotId id) {
    if (id.index >= used_) return nullptr;
    Slot& slot = at(id.index);
    return slot.taken && slot.generation == id.generation ? slot.object() : nullptr;
  }

  // The tenant of a slot by index alone, or nullptr if it is free.
  [[nodiscard]] T* find_index(std::uint32_t index) {
    if (index >= used_) return nullptr;
    Slot& slot = at(index);
    return slot.taken ? slot.object() : nullptr;
  }

  // The id of a slot's tenant; nothing if it is free.
  [[nodiscard]] std::optional<SlotId> id_of(std::uint32_t index) {
    if (find_index(index) == nullptr) return std::nullopt;
    return SlotId{index, at(index).generation};
  }
  // Slots that ever had a tenant.
  [[nodiscard]] std::uint32_t slots() const { return used_; }

  // Calls fn(SlotId, T&) for every tenant. fn may release the tenant it is given.
  template <typename Fn>
  void for_each(Fn&& fn) {
    for (std::uint32_t index = 0; index < used_; ++index) {
      Slot& slot = at(index);
      if (slot.taken) fn(SlotId{index, slot.generation}, *slot.object());
    }
  }

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
  // Of memory that a tenant costs.
  static constexpr std::size_t slot_bytes() { return sizeof(Slot); }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Slot {
    alignas(T) unsigned char storage[std::max(sizeof(T), sizeof(std::uint32_t))];
    std::uint32_t generation : 24 = 1;
    std::uint32_t taken : 8 = 0;

    T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
    // REQUIRES: !taken.
    [[nodiscard]] std::uint32_t next_free() const {
      std::uint32_t next = kNone;
      std::memcpy(&next, storage, sizeof(next));
      return next;
    }
    void set_next_free(std::uint32_t next) { std::memcpy(storage, &next, sizeof(next)); }
  };

  Slot& at(std::uint32_t index) { return slots_[index]; }

  bool grow() {
    if (used_ == capacity_) return false;
    slots_.cover(used_);
    at(used_).set_next_free(kNone);
    free_ = used_++;
    return true;
  }

  const std::uint32_t capacity_;
  std::uint32_t used_ = 0;  // slots ever handed out
  std::uint32_t size_ = 0;
  std::uint32_t free_ = kNone;
  ChunkedArray<Slot> slots_;
};

}  // namespace millrace

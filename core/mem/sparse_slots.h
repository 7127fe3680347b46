// Slots by a small index, in chunks that are made when first needed and given back when the last of
// their slots is free: a table that was large once costs what it holds now. What is in a slot never
// moves while it is taken.
//
// The lowest free slot is taken first, so that the end of the table empties. What is left behind is
// at most a chunk for each slot that is taken, and 9 bytes for each chunk up to the highest.
//
// Owner: one thread. Its limit is the user's. REQUIRES of T: made by default, destroyed at
// release().
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/assert.h"

namespace millrace {

template <typename T>
class SparseSlots {
 public:
  static constexpr std::size_t kChunk = 64;

  // The lowest slot that is free.
  std::uint32_t acquire() {
    const std::size_t chunk = first_with_room();
    const std::uint64_t taken =
        chunk < chunks_.size() && chunks_[chunk] ? chunks_[chunk]->taken : 0;
    const auto index = static_cast<std::uint32_t>(chunk * kChunk +
                                                  static_cast<std::size_t>(std::countr_one(taken)));
    take(index);
    return index;
  }
  // That one. REQUIRES: it is free.
  T& take(std::uint32_t index) {
    const std::size_t at = index / kChunk;
    if (at >= chunks_.size()) {
      chunks_.resize(at + 1);
      full_.resize(words_for(at + 1));
    }
    if (!chunks_[at]) chunks_[at] = std::make_unique<Chunk>();
    Chunk& chunk = *chunks_[at];
    CHECK_EQ(chunk.taken & bit(index), 0U);
    chunk.taken |= bit(index);
    if (chunk.taken == kAll) full_[at / kChunk] |= bit(at);
    ++size_;
    return chunk.slots[index % kChunk].emplace();
  }
  // REQUIRES: it is taken.
  void release(std::uint32_t index) {
    const std::size_t at = index / kChunk;
    Chunk& chunk = *chunks_[at];
    CHECK_NE(chunk.taken & bit(index), 0U);
    chunk.slots[index % kChunk].reset();
    chunk.taken &= ~bit(index);
    full_[at / kChunk] &= ~bit(at);
    --size_;
    if (chunk.taken == 0) give_back(at);
  }

  // nullptr if it is free.
  [[nodiscard]] T* find(std::uint32_t index) {
    const std::size_t at = index / kChunk;
    if (at >= chunks_.size() || !chunks_[at]) return nullptr;
    auto& slot = chunks_[at]->slots[index % kChunk];
    return slot ? &*slot : nullptr;
  }
  [[nodiscard]] const T* find(std::uint32_t index) const {
    return const_cast<SparseSlots*>(this)->find(index);  // NOLINT: reads only
  }
  // REQUIRES: it is taken.
  T& operator[](std::uint32_t index) {
    T* slot = find(index);
    CHECK(slot != nullptr);
    return *slot;
  }

  // Calls fn(index, T&) for every taken slot, the lowest first. fn takes and releases none.
  template <typename Fn>
  void for_each(Fn&& fn) {
    for (std::size_t at = 0; at < chunks_.size(); ++at) {
      if (!chunks_[at]) continue;
      for (std::size_t i = 0; i < kChunk; ++i) {
        auto& slot = chunks_[at]->slots[i];
        if (slot) fn(static_cast<std::uint32_t>(at * kChunk + i), *slot);
      }
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::uint64_t kAll = ~std::uint64_t{0};
  struct Chunk {
    std::uint64_t taken = 0;
    std::array<std::optional<T>, kChunk> slots;
  };

  static constexpr std::uint64_t bit(std::size_t i) { return std::uint64_t{1} << (i % kChunk); }
  static constexpr std::size_t words_for(std::size_t chunks) {
    return (chunks + kChunk - 1) / kChunk;
  }

  [[nodiscard]] std::size_t first_with_room() const {
    for (std::size_t word = 0; word < full_.size(); ++word) {
      if (full_[word] != kAll) {
        return word * kChunk + static_cast<std::size_t>(std::countr_one(full_[word]));
      }
    }
    return chunks_.size();
  }

  void give_back(std::size_t at) {
    chunks_[at].reset();
    if (at + 1 != chunks_.size()) return;
    while (!chunks_.empty() && !chunks_.back()) chunks_.pop_back();
    full_.resize(words_for(chunks_.size()));
    if (chunks_.size() < chunks_.capacity() / 4) {
      chunks_.shrink_to_fit();
      full_.shrink_to_fit();
    }
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint64_t> full_;  // a bit for each chunk without a free slot
  std::size_t size_ = 0;
};

}  // namespace millrace

// A hash table of objects that it owns and that never move. It grows and shrinks by a bucket at a
// time (linear hashing), so no call has to move all that is in it, however large it is, and what
// was taken for a crowd is given back.
//
// A T has `std::uint32_t hash`, which does not change, and `std::unique_ptr<T> next_in_chain`,
// which is the table's. Beside that a T costs 8 bytes.
//
// Owner: one shard. Not thread-safe. The hash of what peers choose is a keyed one
// (core/base/hash.h).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/assert.h"

namespace millrace {

template <typename T>
class ChainTable {
 public:
  static constexpr std::size_t kChunk = 128;  // buckets that are allocated at once

  // The object of this hash for which is_it(const T&) holds, or nullptr.
  template <typename IsIt>
  [[nodiscard]] T* find(std::uint32_t hash, IsIt&& is_it) const {
    if (buckets_ == 0) return nullptr;
    for (T* item = bucket(index_of(hash)).get(); item != nullptr;
         item = item->next_in_chain.get()) {
      if (item->hash == hash && is_it(*item)) return item;
    }
    return nullptr;
  }

  // It may have the hash of another.
  T& insert(std::unique_ptr<T> item) {
    if (size_ >= buckets_) split();
    ++size_;
    T& inserted = *item;
    push(index_of(inserted.hash), std::move(item));
    return inserted;
  }

  // REQUIRES: the item is in the table.
  std::unique_ptr<T> take(T& item) {
    std::unique_ptr<T>* at = &bucket(index_of(item.hash));
    while (at->get() != &item) {
      CHECK(*at != nullptr);
      at = &(*at)->next_in_chain;
    }
    std::unique_ptr<T> taken = std::move(*at);
    *at = std::move(taken->next_in_chain);
    --size_;
    // Two at a time, or they would not get fewer than half of what they were.
    if (size_ < buckets_ / 2) merge();
    if (size_ < buckets_ / 2) merge();
    if (size_ == 0) merge();
    return taken;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t buckets() const { return buckets_; }

 private:
  using Bucket = std::unique_ptr<T>;

  Bucket& bucket(std::size_t i) const { return (*chunks_[i / kChunk])[i % kChunk]; }

  // By the low bits of the hash; a bucket that there is not yet is part of the one a bit shorter.
  [[nodiscard]] std::size_t index_of(std::uint32_t hash) const {
    const std::size_t mask = std::bit_ceil(buckets_) - 1;
    const std::size_t index = hash & mask;
    return index < buckets_ ? index : index & mask >> 1;
  }

  void push(std::size_t index, std::unique_ptr<T> item) {
    item->next_in_chain = std::move(bucket(index));
    bucket(index) = std::move(item);
  }

  // What is in a bucket finds its new place.
  void deal(std::unique_ptr<T> chain) {
    while (chain != nullptr) {
      std::unique_ptr<T> rest = std::move(chain->next_in_chain);
      const std::size_t index = index_of(chain->hash);
      push(index, std::move(chain));
      chain = std::move(rest);
    }
  }

  void split() {
    if (buckets_ % kChunk == 0) chunks_.push_back(std::make_unique<std::array<Bucket, kChunk>>());
    ++buckets_;
    if (buckets_ == 1) return;
    const std::size_t last = buckets_ - 1;
    deal(std::move(bucket(last - std::bit_floor(last))));
  }

  void merge() {
    if (buckets_ == 0) return;
    std::unique_ptr<T> chain = std::move(bucket(buckets_ - 1));
    --buckets_;
    if (buckets_ % kChunk == 0) chunks_.pop_back();
    deal(std::move(chain));
  }

  std::size_t buckets_ = 0;
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<std::array<Bucket, kChunk>>> chunks_;
};

}  // namespace millrace

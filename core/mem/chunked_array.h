// An array that grows by chunks: what is in it never moves, growing copies nothing, and no more
// than a chunk is unused. A vector that doubles would hold up to as much again. Chunks are kept
// small: jemalloc adds a page to what is larger than 14 KiB (its opt.cache_oblivious).
//
// Owner: one shard. Not thread-safe. It does not shrink.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace millrace {

template <typename T>
class ChunkedArray {
 public:
  static constexpr std::size_t kChunk = 128;

  [[nodiscard]] std::size_t size() const { return chunks_.size() * kChunk; }
  // Adds default-made elements until index `i` is one.
  void cover(std::size_t i) {
    while (i >= size()) chunks_.push_back(std::make_unique<std::array<T, kChunk>>());
  }
  // REQUIRES: i < size().
  T& operator[](std::size_t i) { return (*chunks_[i / kChunk])[i % kChunk]; }
  const T& operator[](std::size_t i) const { return (*chunks_[i / kChunk])[i % kChunk]; }

 private:
  std::vector<std::unique_ptr<std::array<T, kChunk>>> chunks_;
};

}  // namespace millrace

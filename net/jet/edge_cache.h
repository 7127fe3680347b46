// The recent publications of the channels of streams that a shard listens to, so that a crowd that
// comes back is answered from memory.
//
// A channel's window knows everything behind its floor: what was published there is in the window.
// What goes, goes from the oldest on and raises the floor: beyond `most` of a channel, too old for
// it, and for want of room over all channels the oldest of all.
//
// Owner: the shard's JetBroker. Limit: `bytes` of data, info and kOverhead each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/intrusive_list.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/instant.h"

namespace millrace {

class CacheWindow;

struct CachedPublication {
  ListLink<CachedPublication> by_age;
  ListLink<CachedPublication> in_window;
  CacheWindow* window = nullptr;
  std::uint64_t offset = 0;
  Instant at{};
  OwnedBytes data;
  OwnedBytes info;  // packed
};

class CacheWindow {
 public:
  using List = IntrusiveList<CachedPublication, &CachedPublication::in_window>;

  // Everything of the channel behind it is here.
  [[nodiscard]] std::uint64_t floor() const { return floor_; }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  // The oldest, or nullptr.
  [[nodiscard]] const CachedPublication* front() const { return list_.front(); }
  [[nodiscard]] static const CachedPublication* next(const CachedPublication& each) {
    return List::next(each);
  }
  // nullptr if it is not here.
  [[nodiscard]] const CachedPublication* find(std::uint64_t offset) const;

 private:
  friend class EdgeCache;
  List list_;
  std::uint64_t floor_ = 0;
  std::uint32_t size_ = 0;
};

class EdgeCache {
 public:
  static constexpr std::size_t kOverhead = 128;
  static constexpr std::size_t kBytes = std::size_t{32} * 1024 * 1024;

  explicit EdgeCache(ShardMetrics& metrics, std::size_t bytes = kBytes)
      : metrics_(metrics), most_bytes_(bytes) {}
  ~EdgeCache();
  EdgeCache(const EdgeCache&) = delete;
  EdgeCache& operator=(const EdgeCache&) = delete;

  // REQUIRES: behind all that the window has; nothing was published between. `most` > 0.
  void add(CacheWindow& window, std::uint64_t offset, OwnedBytes data, OwnedBytes info,
           std::uint32_t most, Instant now);
  // What came before `before` goes.
  void expire(CacheWindow& window, Instant before);
  // What is not behind `floor` goes; nothing is lowered.
  void raise(CacheWindow& window, std::uint64_t floor);
  // All goes, and the floor is where it is told.
  void reset(CacheWindow& window, std::uint64_t floor);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static std::size_t cost(const CachedPublication& each) {
    return each.data.size() + each.info.size() + kOverhead;
  }
  void drop_oldest(CacheWindow& window);

  ShardMetrics& metrics_;
  const std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  IntrusiveList<CachedPublication, &CachedPublication::by_age> all_;
};

}  // namespace millrace

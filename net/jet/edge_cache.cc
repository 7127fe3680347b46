#include "net/jet/edge_cache.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

const CachedPublication* CacheWindow::find(std::uint64_t offset) const {
  const CachedPublication* each = front();
  while (each != nullptr && each->offset != offset) each = next(*each);
  return each;
}

EdgeCache::~EdgeCache() { CHECK(all_.empty()); }

void EdgeCache::add(CacheWindow& window, std::uint64_t offset, OwnedBytes data, OwnedBytes info,
                    std::uint32_t most, Instant now) {
  CHECK_GT(most, 0U);
  auto made = std::make_unique<CachedPublication>();
  made->window = &window;
  made->offset = offset;
  made->at = now;
  made->data = std::move(data);
  made->info = std::move(info);
  bytes_ += cost(*made);
  CachedPublication& added = *made.release();  // the lists are its owner
  all_.push_back(added);
  window.list_.push_back(added);
  ++window.size_;
  while (window.size_ > most) drop_oldest(window);
  // The newest goes, too, if it is more than all the room there is.
  while (bytes_ > most_bytes_) drop_oldest(*all_.front()->window);
  metrics_.stream_cache_bytes = bytes_;
}

void EdgeCache::drop_oldest(CacheWindow& window) {
  CachedPublication* oldest = window.list_.front();
  CHECK(oldest != nullptr);
  const std::unique_ptr<CachedPublication> owned(oldest);
  window.list_.remove(*oldest);
  all_.remove(*oldest);
  --window.size_;
  window.floor_ = std::max(window.floor_, oldest->offset);
  bytes_ -= cost(*oldest);
}

void EdgeCache::expire(CacheWindow& window, Instant before) {
  while (window.list_.front() != nullptr && window.list_.front()->at < before) drop_oldest(window);
  metrics_.stream_cache_bytes = bytes_;
}

void EdgeCache::raise(CacheWindow& window, std::uint64_t floor) {
  while (window.list_.front() != nullptr && window.list_.front()->offset <= floor) {
    drop_oldest(window);
  }
  window.floor_ = std::max(window.floor_, floor);
  metrics_.stream_cache_bytes = bytes_;
}

void EdgeCache::reset(CacheWindow& window, std::uint64_t floor) {
  while (window.list_.front() != nullptr) drop_oldest(window);
  window.floor_ = floor;
  metrics_.stream_cache_bytes = bytes_;
}

}  // namespace millrace

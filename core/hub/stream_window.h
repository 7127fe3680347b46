// The publications of one stream that are kept: a ring of them, oldest first, which grows and
// shrinks with what it holds and owns it.
//
// Owner: the stream, in the store of its shard (stream_store.h). It knows no offsets, judges no age
// and has no limit: what goes, and when, is the store's to say (StreamOptions, StreamStoreLimits).
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/bytes.h"
#include "core/base/intrusive_list.h"
#include "core/hub/client_info.h"
#include "core/mem/tailed.h"
#include "core/time/instant.h"

namespace millrace {

struct Stream;

// One kept publication; its data, and behind it the packed info, follow it in memory.
struct StoredPublication {
  ListLink<StoredPublication> by_age;  // in the list of all of a store
  Stream* stream = nullptr;
  Instant at{};  // when it was published
  std::uint32_t data_size = 0;
  std::uint32_t info_size = 0;

  [[nodiscard]] Bytes data() const { return {tail_of(*this), data_size}; }
  [[nodiscard]] ClientInfo info() const {
    return unpack_client_info({tail_of(*this) + data_size, info_size});
  }
  // What its publisher gave.
  [[nodiscard]] std::size_t payload_bytes() const { return std::size_t{data_size} + info_size; }
  // What it takes of a store's room.
  [[nodiscard]] std::size_t bytes() const { return sizeof(*this) + payload_bytes(); }
};
static_assert(sizeof(StoredPublication) == 40, "docs/HISTORY.md tells what a publication costs");

using StoredPublicationOwner = Tailed<StoredPublication>;

StoredPublicationOwner make_stored_publication(Bytes data, const ClientInfo& info, Instant at);

class StreamWindow {
 public:
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // 0 is the oldest. REQUIRES: i < size().
  [[nodiscard]] StoredPublication& at(std::uint32_t i) const;
  void push(StoredPublicationOwner publication);
  // Takes the oldest out. REQUIRES: !empty().
  StoredPublicationOwner pop();

 private:
  using Slots = std::unique_ptr<StoredPublicationOwner[]>;

  // REQUIRES: a power of two that is enough.
  void resize(std::uint32_t capacity);

  Slots slots_;
  std::uint32_t capacity_ = 0;  // a power of two, or none
  std::uint32_t first_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace millrace

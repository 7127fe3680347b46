#include "core/hub/stream_window.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

StoredPublicationOwner make_stored_publication(Bytes data, const ClientInfo& info, Instant at) {
  const OwnedBytes packed = pack_client_info(info);
  CHECK_LE(data.size(), UINT32_MAX);
  CHECK_LE(packed.size(), UINT32_MAX);
  StoredPublicationOwner made = make_tailed<StoredPublication>(data.size() + packed.size());
  made->at = at;
  made->data_size = static_cast<std::uint32_t>(data.size());
  made->info_size = static_cast<std::uint32_t>(packed.size());
  char* tail = tail_of(*made);
  std::copy_n(data.data(), data.size(), tail);
  std::copy_n(packed.data(), packed.size(), tail + data.size());
  return made;
}

StoredPublication& StreamWindow::at(std::uint32_t i) const {
  CHECK_LT(i, size_);
  return *slots_[(first_ + i) & (capacity_ - 1)];
}

void StreamWindow::push(StoredPublicationOwner publication) {
  CHECK_LT(size_, UINT32_MAX / 2);
  if (size_ == capacity_) resize(capacity_ == 0 ? 1 : capacity_ * 2);
  slots_[(first_ + size_) & (capacity_ - 1)] = std::move(publication);
  ++size_;
}

StoredPublicationOwner StreamWindow::pop() {
  CHECK(!empty());
  StoredPublicationOwner oldest = std::move(slots_[first_]);
  first_ = (first_ + 1) & (capacity_ - 1);
  --size_;
  if (size_ == 0) {
    resize(0);
  } else if (size_ <= capacity_ / 4) {
    resize(capacity_ / 2);
  }
  return oldest;
}

void StreamWindow::resize(std::uint32_t capacity) {
  Slots slots = capacity == 0 ? nullptr : std::make_unique<StoredPublicationOwner[]>(capacity);
  for (std::uint32_t i = 0; i < size_; ++i) {
    slots[i] = std::move(slots_[(first_ + i) & (capacity_ - 1)]);
  }
  slots_ = std::move(slots);
  capacity_ = capacity;
  first_ = 0;
}

}  // namespace millrace

#include "core/hub/subscription_list.h"

#include <algorithm>
#include <memory>

namespace millrace {

namespace {
constexpr std::uint32_t kMaxEntries = 65'535;
}

SubscriptionList::~SubscriptionList() { free_heap(); }

SubscriptionList::SubscriptionList(SubscriptionList&& other) noexcept : inline_{} {
  *this = std::move(other);
}

SubscriptionList& SubscriptionList::operator=(SubscriptionList&& other) noexcept {
  if (this == &other) return *this;
  free_heap();
  if (other.capacity_ > 1) {
    heap_ = other.heap_;
  } else {
    inline_ = other.inline_;
  }
  size_ = std::exchange(other.size_, std::uint16_t{0});
  capacity_ = std::exchange(other.capacity_, std::uint16_t{1});
  other.inline_ = {};
  return *this;
}

std::uint32_t SubscriptionList::add(SubscriptionEntry entry) {
  CHECK_LT(std::uint32_t{size_}, kMaxEntries);
  if (size_ == capacity_) reserve(std::min<std::uint32_t>(capacity_ * 2U, kMaxEntries));
  data()[size_] = entry;
  return size_++;
}

void SubscriptionList::remove(std::uint32_t i) {
  CHECK_LT(i, std::uint32_t{size_});
  data()[i] = data()[size_ - 1U];
  --size_;
}

void SubscriptionList::free_heap() {
  if (capacity_ > 1) const std::unique_ptr<SubscriptionEntry[]> owned(heap());
}

void SubscriptionList::reserve(std::uint32_t capacity) {
  auto grown = std::make_unique<SubscriptionEntry[]>(capacity);
  std::copy_n(data(), size_, grown.get());
  free_heap();
  heap_ = std::bit_cast<PointerBytes>(grown.release());
  capacity_ = static_cast<std::uint16_t>(capacity);
}

}  // namespace millrace

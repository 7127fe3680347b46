#include "core/hub/channel_table.h"

namespace millrace {

Channel* ChannelTable::find(Bytes name) {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &at(*it);
}

Channel* ChannelTable::add(Bytes name) {
  const auto [channel, slot] = channels_.acquire(name);
  if (channel == nullptr) return nullptr;
  channel->slot = slot;
  const bool inserted = by_name_.insert(slot.index).second;
  CHECK(inserted);
  return channel;
}

void ChannelTable::remove(Channel& channel) {
  const auto erased = by_name_.erase(channel.slot.index);
  CHECK_EQ(erased, 1U);
  channels_.release(channel.slot);
}

Channel& ChannelTable::at(std::uint32_t index) {
  Channel* channel = channels_.find_index(index);
  CHECK(channel != nullptr);
  return *channel;
}

}  // namespace millrace

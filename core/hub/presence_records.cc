#include "core/hub/presence_records.h"

#include <cstring>

#include "core/base/assert.h"

namespace millrace {

namespace {

void copy(Bytes from, char* to) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace

PresenceText::PresenceText(Bytes client, Bytes conn_info, Bytes chan_info) {
  const std::size_t size = client.size() + conn_info.size() + chan_info.size();
  CHECK_LE(size, UINT32_MAX);
  Ends ends;
  ends[0] = static_cast<std::uint32_t>(client.size());
  ends[1] = static_cast<std::uint32_t>(ends[0] + conn_info.size());
  ends[2] = static_cast<std::uint32_t>(size);
  block_ = std::make_unique_for_overwrite<char[]>(sizeof(ends) + size);
  std::memcpy(block_.get(), ends.data(), sizeof(ends));
  char* const text = block_.get() + sizeof(ends);
  copy(client, text);
  copy(conn_info, text + ends[0]);
  copy(chan_info, text + ends[1]);
}

Bytes PresenceText::part(std::size_t i) const {
  Ends ends;
  std::memcpy(ends.data(), block_.get(), sizeof(ends));
  const std::uint32_t begin = i == 0 ? 0 : ends[i - 1];
  return {block_.get() + sizeof(ends) + begin, ends[i] - begin};
}

ClientInfo PresenceMember::info() const {
  return {user->id(), text.client(), text.conn_info(), text.chan_info()};
}

PresenceUser::PresenceUser(PresenceChannel& its_channel, Bytes its_id, std::uint32_t its_hash)
    : channel(its_channel), hash(its_hash), size_(static_cast<std::uint32_t>(its_id.size())) {
  CHECK_LE(its_id.size(), UINT32_MAX);
  if (its_id.empty()) return;
  id_ = std::make_unique_for_overwrite<char[]>(its_id.size());
  copy(its_id, id_.get());
}

}  // namespace millrace

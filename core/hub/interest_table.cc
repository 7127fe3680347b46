#include "core/hub/interest_table.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/base/assert.h"

namespace millrace {

InterestTable::Entry::Entry(Bytes name, std::span<const ShardId> shards) {
  CHECK_LE(name.size(), kMaxName);
  const Sizes sizes = {static_cast<std::uint16_t>(shards.size()),
                       static_cast<std::uint16_t>(name.size())};
  block_ = std::make_unique_for_overwrite<char[]>(sizeof sizes + shards.size_bytes() + name.size());
  std::memcpy(block_.get(), &sizes, sizeof sizes);
  char* const end = std::copy_n(reinterpret_cast<const char*>(shards.data()), shards.size_bytes(),
                                block_.get() + sizeof sizes);
  std::ranges::copy(name, end);
}

InterestTable::Entry::Sizes InterestTable::Entry::sizes() const {
  Sizes sizes;
  std::memcpy(&sizes, block_.get(), sizeof sizes);
  return sizes;
}

Bytes InterestTable::Entry::name() const {
  return {block_.get() + sizeof(Sizes) + shards().size_bytes(), sizes().name};
}

std::span<const ShardId> InterestTable::Entry::shards() const {
  return {reinterpret_cast<const ShardId*>(block_.get() + sizeof(Sizes)), sizes().shards};
}

void InterestTable::add(Bytes channel, ShardId shard) {
  const auto known = wanted_by(channel);
  CHECK(std::ranges::find(known, shard) == known.end());
  std::vector<ShardId> shards(known.begin(), known.end());
  shards.push_back(shard);
  replace(channel, shards);
}

void InterestTable::remove(Bytes channel, ShardId shard) {
  const auto known = wanted_by(channel);
  std::vector<ShardId> shards(known.begin(), known.end());
  CHECK_EQ(std::erase(shards, shard), 1U);
  replace(channel, shards);
}

std::span<const ShardId> InterestTable::wanted_by(Bytes channel) const {
  const auto it = entries_.find(channel);
  return it == entries_.end() ? std::span<const ShardId>() : it->shards();
}

void InterestTable::replace(Bytes channel, std::span<const ShardId> shards) {
  const auto known = entries_.find(channel);
  if (known != entries_.end()) entries_.erase(known);
  if (!shards.empty()) entries_.emplace(channel, shards);
}

}  // namespace millrace

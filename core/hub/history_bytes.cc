#include "core/hub/history_bytes.h"

#include <array>
#include <cstring>

#include "core/base/assert.h"

namespace millrace {

namespace {

constexpr std::size_t kParts = 5;

// In front of its parts, which stand one behind the other.
struct Head {
  std::uint64_t offset = 0;
  std::array<std::uint32_t, kParts> sizes{};
};

std::array<Bytes, kParts> parts_of(const KeptPublication& publication) {
  const ClientInfo& info = publication.info;
  return {publication.data, info.user, info.client, info.conn_info, info.chan_info};
}

}  // namespace

OwnedBytes pack_publications(std::span<const KeptPublication> publications) {
  std::size_t size = publications.size() * sizeof(Head);
  for (const KeptPublication& publication : publications) {
    for (const Bytes part : parts_of(publication)) size += part.size();
  }
  OwnedBytes packed;
  packed.reserve(size);
  for (const KeptPublication& publication : publications) {
    const std::array<Bytes, kParts> parts = parts_of(publication);
    Head head{.offset = publication.offset};
    for (std::size_t i = 0; i < kParts; ++i) {
      CHECK_LE(parts[i].size(), UINT32_MAX);
      head.sizes[i] = static_cast<std::uint32_t>(parts[i].size());
    }
    packed.append(reinterpret_cast<const char*>(&head), sizeof(head));
    for (const Bytes part : parts) packed.append(part);
  }
  return packed;
}

std::vector<KeptPublication> unpack_publications(Bytes packed) {
  std::vector<KeptPublication> publications;
  while (!packed.empty()) {
    Head head;
    CHECK_LE(sizeof(head), packed.size());
    std::memcpy(&head, packed.data(), sizeof(head));
    packed.remove_prefix(sizeof(head));
    std::array<Bytes, kParts> parts;
    for (std::size_t i = 0; i < kParts; ++i) {
      CHECK_LE(head.sizes[i], packed.size());
      parts[i] = packed.substr(0, head.sizes[i]);
      packed.remove_prefix(head.sizes[i]);
    }
    publications.push_back({head.offset, parts[0], {parts[1], parts[2], parts[3], parts[4]}});
  }
  return publications;
}

}  // namespace millrace

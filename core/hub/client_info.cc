#include "core/hub/client_info.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "core/base/assert.h"

namespace millrace {

namespace {

using Length = std::uint32_t;
constexpr std::size_t kParts = 4;

}  // namespace

OwnedBytes pack_client_info(const ClientInfo& info) {
  const std::array<Bytes, kParts> parts{info.user, info.client, info.conn_info, info.chan_info};
  OwnedBytes packed;
  std::size_t size = 0;
  for (const Bytes part : parts) size += part.size();
  if (size == 0) return packed;
  packed.reserve(size + kParts * sizeof(Length));
  for (const Bytes part : parts) {
    CHECK_LE(part.size(), UINT32_MAX);
    const auto length = static_cast<Length>(part.size());
    packed.append(reinterpret_cast<const char*>(&length), sizeof(length));
    packed.append(part);
  }
  return packed;
}

ClientInfo unpack_client_info(Bytes packed) {
  std::array<Bytes, kParts> parts;
  if (packed.empty()) return {};
  for (Bytes& part : parts) {
    Length length = 0;
    CHECK_LE(sizeof(length), packed.size());
    std::memcpy(&length, packed.data(), sizeof(length));
    packed.remove_prefix(sizeof(length));
    CHECK_LE(length, packed.size());
    part = packed.substr(0, length);
    packed.remove_prefix(length);
  }
  CHECK(packed.empty());
  return {parts[0], parts[1], parts[2], parts[3]};
}

}  // namespace millrace

// Networks of addresses: "10.0.0.0/8", "2001:db8::/32", and addresses as texts. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "net/tcp/peer.h"

namespace millrace {

// An IPv4 network is part of ::ffff:0:0/96, as an IPv4 peer is.
struct Network {
  std::array<std::uint8_t, 16> address{};
  unsigned prefix = 0;  // bits

  [[nodiscard]] bool contains(const Peer& peer) const;
  bool operator==(const Network&) const = default;
};

using Networks = std::vector<Network>;

[[nodiscard]] bool contains(const Networks& networks, const Peer& peer);

// "ADDRESS/BITS", or "ADDRESS" for that one alone. Nothing for an address with bits beyond BITS:
// what was meant would be a guess.
std::optional<Network> parse_network(std::string_view text);

// "192.0.2.1", "192.0.2.1:5000", "2001:db8::1" or "[2001:db8::1]:5000"; the port is 0 without one.
// Nothing for a name, a zone, or another spelling of an IPv4 address than the usual.
std::optional<Peer> parse_peer(std::string_view text);

// What connections of an address are counted under: each IPv4 address by itself, IPv6 addresses by
// their /64, which is what one customer has. Two different ones never share a key.
std::uint64_t address_key(const Peer& peer);

}  // namespace millrace

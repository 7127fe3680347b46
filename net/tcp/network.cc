#include "net/tcp/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace millrace {

namespace {

constexpr unsigned kBits = 128;
constexpr unsigned kV4Bits = 32;
constexpr unsigned kV4Start = kBits - kV4Bits;
constexpr std::size_t kLongestAddress = INET6_ADDRSTRLEN;  // with the byte behind its end

// Multicast addresses connect to nobody, so keys that would be theirs are free for others.
constexpr std::uint64_t kV4Keys = 0xffff'ffff'0000'0000;

template <typename Number>
std::optional<Number> number(std::string_view text, Number most) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end || value > most) return std::nullopt;
  return value;
}

// Without brackets and port.
std::optional<Peer> parse_address(std::string_view text) {
  char copy[kLongestAddress] = {};
  if (text.size() >= sizeof(copy)) return std::nullopt;
  std::copy(text.begin(), text.end(), copy);
  // A text with a NUL in it would be read to there only.
  if (std::strlen(copy) != text.size()) return std::nullopt;
  PeerAddress raw{};
  in_addr v4{};
  if (inet_pton(AF_INET, copy, &v4) == 1) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr = v4;
    std::memcpy(&raw.storage, &address, sizeof(address));
    return Peer::from(raw);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  if (inet_pton(AF_INET6, copy, &address.sin6_addr) != 1) return std::nullopt;
  std::memcpy(&raw.storage, &address, sizeof(address));
  return Peer::from(raw);
}

bool bit(const std::array<std::uint8_t, 16>& address, unsigned index) {
  return (address[index / 8] >> (7 - index % 8) & 1) != 0;
}

}  // namespace

bool Network::contains(const Peer& peer) const {
  const unsigned bytes = prefix / 8;
  if (!std::equal(address.begin(), address.begin() + bytes, peer.address.begin())) return false;
  for (unsigned i = bytes * 8; i < prefix; ++i) {
    if (bit(address, i) != bit(peer.address, i)) return false;
  }
  return true;
}

bool contains(const Networks& networks, const Peer& peer) {
  return std::any_of(networks.begin(), networks.end(),
                     [&peer](const Network& network) { return network.contains(peer); });
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const std::optional<Peer> address = parse_address(host);
  if (!address) return std::nullopt;
  // "::ffff:192.0.2.0/120" counts as it is written.
  const bool dotted = host.find(':') == std::string_view::npos;
  unsigned prefix = kBits;
  if (slash != std::string_view::npos) {
    const auto told = number<unsigned>(text.substr(slash + 1), dotted ? kV4Bits : kBits);
    if (!told) return std::nullopt;
    prefix = dotted ? kV4Start + *told : *told;
  }
  for (unsigned i = prefix; i < kBits; ++i) {
    if (bit(address->address, i)) return std::nullopt;
  }
  return Network{address->address, prefix};
}

std::optional<Peer> parse_peer(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return std::nullopt;
      port = text.substr(end + 2);
      if (port.empty()) return std::nullopt;
    }
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return std::nullopt;
  }
  std::optional<Peer> peer = parse_address(host);
  if (!peer || port.empty()) return peer;
  const auto told = number<std::uint16_t>(port, UINT16_MAX);
  if (!told) return std::nullopt;
  peer->port = *told;
  return peer;
}

std::uint64_t address_key(const Peer& peer) {
  const auto big_endian = [&peer](std::size_t from, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = from; i < from + bytes; ++i) value = value << 8 | peer.address[i];
    return value;
  };
  return peer.is_v4() ? kV4Keys | big_endian(12, 4) : big_endian(0, 8);
}

}  // namespace millrace

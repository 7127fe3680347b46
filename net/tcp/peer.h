// A peer's address: IPv4 or IPv6 and its port, compact and printable.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/ring/op.h"

namespace millrace {

struct Peer {
  std::array<std::uint8_t, 16> address{};  // IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2)
  std::uint16_t port = 0;

  static Peer from(const PeerAddress& raw);
  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] std::string address_text() const;  // "192.0.2.1" or "2001:db8::1"
  [[nodiscard]] std::string to_string() const;     // "192.0.2.1:5000" or "[2001:db8::1]:5000"
};

}  // namespace millrace

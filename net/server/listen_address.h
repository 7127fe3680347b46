// Where a server listens: a numeric address and a port, "127.0.0.1:8000" or "[::1]:8000". Pure.
//
// There are no names here: a name may stand for several addresses, and looking it up may block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

struct ListenAddress {
  std::string host;        // as inet_ntop(3) writes it, without brackets
  std::uint16_t port = 0;  // 0: the kernel picks one
  bool ipv6 = false;

  bool operator==(const ListenAddress&) const = default;
};

// nullopt if it isn't one. Other spellings of an address ("[0:0::1]") become the usual one.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

// "127.0.0.1:8000" or "[::1]:8000".
std::string to_string(const ListenAddress& address);

// 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104: only this machine reaches it.
bool is_loopback(const ListenAddress& address);

// True if one of them would take the other's connections: the same port other than 0, and the same
// address or, within a family, the one that stands for all.
bool overlap(const ListenAddress& a, const ListenAddress& b);

}  // namespace millrace

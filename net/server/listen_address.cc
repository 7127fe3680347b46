#include "net/server/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>

#include "core/base/assert.h"

namespace millrace {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return port;
}

bool canonical(int family, std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> raw{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  // A NUL inside would end the text that inet_pton() sees.
  if (host.find('\0') != std::string::npos) return false;
  if (inet_pton(family, host.c_str(), raw.data()) != 1) return false;
  CHECK(inet_ntop(family, raw.data(), text.data(), text.size()) != nullptr);
  host = text.data();
  return true;
}

bool is_any(const ListenAddress& address) {
  return address.host == (address.ipv6 ? "::" : "0.0.0.0");
}

}  // namespace

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  ListenAddress address{.host = {}, .port = *port, .ipv6 = host.starts_with('[')};
  if (address.ipv6) {
    if (!host.ends_with(']')) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  }
  address.host = host;
  if (!canonical(address.ipv6 ? AF_INET6 : AF_INET, address.host)) return std::nullopt;
  return address;
}

std::string to_string(const ListenAddress& address) {
  const std::string port = ":" + std::to_string(address.port);
  return address.ipv6 ? "[" + address.host + "]" + port : address.host + port;
}

bool is_loopback(const ListenAddress& address) {
  if (address.ipv6) return address.host == "::1" || address.host.starts_with("::ffff:127.");
  return address.host.starts_with("127.");
}

bool overlap(const ListenAddress& a, const ListenAddress& b) {
  if (a.port != b.port || a.port == 0 || a.ipv6 != b.ipv6) return false;
  return a.host == b.host || is_any(a) || is_any(b);
}

}  // namespace millrace

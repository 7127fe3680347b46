#include "net/server/origin.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "net/server/listen_address.h"

namespace millrace {
namespace {

struct HostPort {
  std::string_view host;  // a name, an IPv4 address or an IPv6 address in brackets
  std::optional<std::uint16_t> port;
};

constexpr std::size_t kMaxHost = 253;  // bytes, as of a name in the DNS
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool made_of(std::string_view text, std::string_view a, std::string_view b, std::string_view c) {
  return std::all_of(text.begin(), text.end(), [&](char one) {
    return a.find(one) != a.npos || b.find(one) != b.npos || c.find(one) != c.npos;
  });
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) return parse_listen_address(std::string(host) + ":0").has_value();
  return !host.empty() && host.size() <= kMaxHost && host.front() != '.' && host.front() != '-' &&
         host.find("..") == host.npos && made_of(host, kLetters, kDigits, ".-_");
}

// "host" or "host:port" and nothing else; the port is not 0. nullopt if it isn't one.
std::optional<HostPort> split_host_port(std::string_view text) {
  HostPort result{.host = text, .port = std::nullopt};
  const std::size_t colon = text.rfind(':');
  const bool in_brackets = text.ends_with(']');
  if (colon != std::string_view::npos && !in_brackets) {
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
    if (digits.front() == '0') return std::nullopt;
    result = {.host = text.substr(0, colon), .port = port};
  }
  if (!is_host(result.host)) return std::nullopt;
  return result;
}

}  // namespace

bool is_origin(std::string_view text) {
  if (text == "*") return true;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || text.size() > kMaxOrigin) return false;
  const std::string_view scheme = text.substr(0, colon);
  const bool scheme_fits = !scheme.empty() && scheme.front() >= 'a' && scheme.front() <= 'z' &&
                           made_of(scheme, kLetters, kDigits, "+.-");
  const std::optional<HostPort> host_port = split_host_port(text.substr(colon + 3));
  if (!scheme_fits || !host_port) return false;
  const bool lower =
      std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  const bool own_port =
      (scheme == "http" && host_port->port == 80) || (scheme == "https" && host_port->port == 443);
  return lower && !own_port;
}

}  // namespace millrace

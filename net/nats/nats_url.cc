#include "net/nats/nats_url.h"

#include <algorithm>
#include <charconv>

namespace millrace {
namespace {

constexpr Bytes kScheme = "nats://";

// What stands after the scheme and the credentials. nats.c takes the last '@' too.
Bytes address_of(Bytes url) {
  Bytes rest = url;
  const std::size_t scheme = rest.find("://");
  if (scheme != Bytes::npos) rest.remove_prefix(scheme + 3);
  const std::size_t at = rest.rfind('@');
  if (at != Bytes::npos) rest.remove_prefix(at + 1);
  return rest;
}

bool is_port(Bytes text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65'535;
}

bool is_plain(Bytes text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_host(Bytes host) {
  if (host.starts_with('[')) {
    return host.size() > 2 && host.ends_with(']') &&
           host.find_first_not_of("0123456789abcdefABCDEF:.%", 1) == host.size() - 1;
  }
  return !host.empty() && host.find_first_of("/,?#:[]") == Bytes::npos;
}

Error bad_url(Bytes url, const char* why) {
  return Error{"NATS URL " + masked_nats_url(url) + ": " + why +
               "; write nats://host:port, for example nats://127.0.0.1:4222"};
}

}  // namespace

Result<void> check_nats_url(Bytes url) {
  if (url.size() > kMaxNatsUrl) {
    // Cut after masking: a part of a URL may end inside of a password.
    return bad_url(Bytes(masked_nats_url(url)).substr(0, kMaxNatsUrl), "longer than 512 bytes");
  }
  if (!is_plain(url)) return bad_url(url, "holds a space or a byte outside ASCII");
  if (!url.starts_with(kScheme) && !url.starts_with(kNatsTlsScheme)) {
    return bad_url(url, "does not begin with nats:// or tls://");
  }
  const Bytes address = address_of(url);
  const std::size_t bracket = address.rfind(']');
  const std::size_t colon =
      address.find(':', bracket == Bytes::npos || !address.starts_with('[') ? 0 : bracket);
  if (colon != Bytes::npos && !is_port(address.substr(colon + 1))) {
    return bad_url(url, "the port is no number from 1 to 65535");
  }
  if (!is_host(address.substr(0, colon))) return bad_url(url, "the host is missing or malformed");
  return {};
}

bool has_user(Bytes url) { return url.find('@') != Bytes::npos; }

std::string masked_nats_url(Bytes url) {
  std::string masked(url.starts_with(kNatsTlsScheme) ? kNatsTlsScheme : kScheme);
  for (const char c : address_of(url)) masked.push_back(c > ' ' && c < 0x7f ? c : '?');
  return masked;
}

}  // namespace millrace

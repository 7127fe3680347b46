#include "bench/load/address_plan.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "core/base/assert.h"

namespace millrace::load {
namespace {

using Addresses = std::vector<ListenAddress>;

std::optional<std::uint32_t> parse_v4(std::string_view text) {
  in_addr raw{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &raw) != 1) return std::nullopt;
  return ntohl(raw.s_addr);
}

std::string v4_text(std::uint32_t address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  const in_addr raw{.s_addr = htonl(address)};
  CHECK(inet_ntop(AF_INET, &raw, text.data(), text.size()) != nullptr);
  return text.data();
}

Result<Addresses> v4_range(std::string_view from, std::string_view to, std::uint16_t port) {
  const auto first = parse_v4(from);
  const auto last = parse_v4(to);
  const std::string text = std::string(from) + "-" + std::string(to);
  if (!first || !last || *last < *first) {
    return Error{text + " is no range of IPv4 addresses such as 127.0.0.1-127.0.0.40"};
  }
  if (*last - *first >= AddressPlan::kMostAddresses) {
    return Error{text + " has more than " + std::to_string(AddressPlan::kMostAddresses) +
                 " addresses"};
  }
  Addresses all;
  for (std::uint32_t at = *first; at <= *last; ++at) all.push_back({v4_text(at), port, false});
  return all;
}

// Of one pair, so that its connects stay fast: half of the ports that the kernel tries first, which
// are half of the range. A connect walks from a random port to a free one: two steps on average at
// the end of this share, but hundreds where nearly all are taken.
std::uint64_t fast_share(PortRange ports) {
  return std::min(AddressPlan::kMostOfAPair, ports.size() / 4);
}

// Of one pair at all.
std::uint64_t full_share(PortRange ports) {
  return std::min(AddressPlan::kMostOfAPair, ports.size() * 9 / 10);
}

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

// 127.0.1.1 and on, without .0 and .255, which look like mistakes.
Addresses loopback_sources(std::uint64_t count) {
  Addresses all;
  constexpr std::uint32_t kFirst = 0x7f'00'01'01;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::uint32_t>(kFirst + i / 254 * 256 + i % 254);
    all.push_back({v4_text(at), 0, false});
  }
  return all;
}

Error too_few(std::uint64_t connections, std::size_t targets, std::uint64_t sources,
              PortRange ports) {
  const std::uint64_t share = full_share(ports);
  const std::string range = std::to_string(ports.first) + "-" + std::to_string(ports.last);
  if (share == 0) return Error{"net.ipv4.ip_local_port_range (" + range + ") is too narrow"};
  const std::uint64_t pairs = divide_up(connections, share);
  return Error{std::to_string(connections) + " connections need " + std::to_string(pairs) +
               " pairs of a source and a target address, and there are " +
               std::to_string(targets * sources) + " (" + std::to_string(sources) +
               " source(s) x " + std::to_string(targets) + " target(s)): the ports " + range +
               " are enough for " + std::to_string(share) + " a pair; give --sources with " +
               std::to_string(divide_up(pairs, targets)) +
               " addresses of this machine, or more --targets"};
}

}  // namespace

PortRange parse_port_range(std::string_view text) {
  PortRange range;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, range.first);
  if (error != std::errc()) return {};
  const char* next = stop;
  while (next != end && (*next == ' ' || *next == '\t')) ++next;
  if (std::from_chars(next, end, range.last).ec != std::errc()) return {};
  return range;
}

Result<Addresses> AddressPlan::parse_target(std::string_view text) {
  const Error wrong{std::string(text) +
                    " is no target; write ADDRESS:PORT such as 127.0.0.1:8000, [::1]:8000 or "
                    "127.0.0.1-127.0.0.40:8000 (numbers, no names)"};
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto last = parse_listen_address(text.substr(dash + 1));
    if (!last || last->ipv6 || last->port == 0) return wrong;
    return v4_range(text.substr(0, dash), last->host, last->port);
  }
  const auto address = parse_listen_address(text);
  if (!address || address->port == 0) return wrong;
  return Addresses{*address};
}

Result<Addresses> AddressPlan::parse_source(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    return v4_range(text.substr(0, dash), text.substr(dash + 1), 0);
  }
  const bool ipv6 = text.find(':') != std::string_view::npos;
  const std::string with_port = ipv6 ? "[" + std::string(text) + "]:0" : std::string(text) + ":0";
  const auto address = parse_listen_address(with_port);
  if (address) return Addresses{*address};
  return Error{std::string(text) +
               " is no source; write an address of this machine such as 127.0.1.1, or a range such "
               "as 127.0.1.1-127.0.1.8"};
}

PeerAddress socket_address(const ListenAddress& address) {
  PeerAddress to;
  if (address.ipv6) {
    auto& raw = reinterpret_cast<sockaddr_in6&>(to.storage);
    raw.sin6_family = AF_INET6;
    raw.sin6_port = htons(address.port);
    CHECK_EQ(inet_pton(AF_INET6, address.host.c_str(), &raw.sin6_addr), 1);
    to.length = sizeof(sockaddr_in6);
  } else {
    auto& raw = reinterpret_cast<sockaddr_in&>(to.storage);
    raw.sin_family = AF_INET;
    raw.sin_port = htons(address.port);
    CHECK_EQ(inet_pton(AF_INET, address.host.c_str(), &raw.sin_addr), 1);
    to.length = sizeof(sockaddr_in);
  }
  return to;
}

Result<AddressPlan> AddressPlan::make(std::uint64_t connections, const Addresses& targets,
                                      const Addresses& sources, PortRange ports) {
  CHECK(!targets.empty());
  const bool ipv6 = targets.front().ipv6;
  for (const Addresses* list : {&targets, &sources}) {
    for (const ListenAddress& address : *list) {
      if (address.ipv6 != ipv6) {
        return Error{"sources and targets must all be IPv4, or all IPv6; " + address.host +
                     " is the other"};
      }
    }
  }
  Addresses from = sources;
  const std::uint64_t fast = fast_share(ports);
  const bool v4_loopback = std::all_of(targets.begin(), targets.end(), [](const auto& address) {
    return !address.ipv6 && is_loopback(address);
  });
  // One source more than the kernel's own pick is never needed for few connections.
  if (from.empty() && v4_loopback && fast > 0 && connections > fast * targets.size()) {
    from = loopback_sources(divide_up(connections, fast * targets.size()));
  }
  AddressPlan plan;
  plan.targets_ = targets;
  for (const ListenAddress& address : targets) plan.to_.push_back(socket_address(address));
  for (const ListenAddress& address : from) plan.from_.push_back(socket_address(address));
  const std::uint64_t of_a_pair = divide_up(connections, plan.pairs());
  if (of_a_pair > full_share(ports)) {
    return too_few(connections, targets.size(), plan.sources_count(), ports);
  }
  plan.crowded_ = of_a_pair > fast;
  return plan;
}

const PeerAddress* AddressPlan::source_of(std::uint64_t client) const {
  return from_.empty() ? nullptr : &from_[client % pairs() % from_.size()];
}

}  // namespace millrace::load

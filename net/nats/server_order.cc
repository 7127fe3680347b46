#include "net/nats/server_order.h"

#include <algorithm>

#include "core/base/assert.h"

namespace millrace {
namespace {

// host:port of a URL.
std::string address_of(const std::string& url) {
  std::string address = url;
  if (const std::size_t scheme = address.find("://"); scheme != std::string::npos) {
    address.erase(0, scheme + 3);
  }
  if (const std::size_t at = address.rfind('@'); at != std::string::npos) address.erase(0, at + 1);
  const std::size_t bracket = address.rfind(']');
  const std::size_t from = bracket == std::string::npos ? 0 : bracket;
  return address.find(':', from) == std::string::npos ? address + ":4222" : address;
}

}  // namespace

std::vector<std::string> server_order(const std::vector<std::string>& urls, std::size_t spread) {
  CHECK(!urls.empty());
  const std::size_t count = urls.size();
  std::vector<std::string> order(urls);
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(spread % count),
              order.end());
  if (count < 3) return order;
  const std::size_t round = (spread / count) % (count - 1);
  std::rotate(order.begin() + 1, order.begin() + 1 + static_cast<std::ptrdiff_t>(round),
              order.end());
  return order;
}

std::vector<std::string> servers_but(const std::vector<std::string>& order,
                                     const std::vector<std::string>& discovered,
                                     const std::string& current) {
  std::vector<std::string> seen{address_of(current)};
  std::vector<std::string> servers;
  std::string before = "nats://";
  for (const std::string& url : order) {
    const std::size_t at = url.rfind('@');
    if (at != std::string::npos && before.find('@') == std::string::npos) {
      before = url.substr(0, at + 1);
    }
  }
  const auto add = [&](const std::string& url, const std::string& address) {
    if (std::find(seen.begin(), seen.end(), address) != seen.end()) return;
    seen.push_back(address);
    servers.push_back(url);
  };
  for (const std::string& url : order) add(url, address_of(url));
  for (const std::string& url : discovered) add(before + address_of(url), address_of(url));
  return servers;
}

}  // namespace millrace

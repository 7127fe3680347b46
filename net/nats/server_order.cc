#include "net/nats/server_order.h"

#include <algorithm>

#include "core/base/assert.h"

namespace millrace {

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

}  // namespace millrace

#include "net/machine/limit_needs.h"

#include <algorithm>
#include <bit>

namespace millrace {
namespace {

constexpr std::uint64_t kLeastQueue = 128;
constexpr std::uint64_t kMostAcceptQueue = 65'535;  // what our listeners ask for
constexpr std::uint64_t kMostSynBacklog = 262'144;
constexpr std::uint64_t kLeastDeviceBacklog = 1'000;  // the kernel's own default
constexpr std::uint64_t kMostDeviceBacklog = 30'000;
constexpr std::uint64_t kLeastReceiveBuffer = 64 * 1'024;
constexpr std::uint64_t kMostReceiveBuffer = 32 * 1'024 * 1'024;
constexpr std::uint64_t kLeastClosing = 4'096;
constexpr std::uint64_t kLeastMappings = 65'530;  // the kernel's own default
constexpr std::uint64_t kPortsPerLink = 4;
// Past half of a range each connect searches all of it: 300 connects a second instead of 36,000.
constexpr std::uint64_t kMostQuickPorts = 25'000;

constexpr std::uint64_t divided_up(std::uint64_t a, std::uint64_t b) {
  return a / b + (a % b != 0 ? 1 : 0);
}

}  // namespace

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

std::uint64_t accept_queue_needed(std::uint64_t connections) {
  return std::clamp(divided_up(connections, 10), kLeastQueue, kMostAcceptQueue);
}

std::uint64_t syn_backlog_needed(std::uint64_t connections) {
  return std::clamp(divided_up(connections, 10), kLeastQueue, kMostSynBacklog);
}

std::uint64_t device_backlog_needed(std::uint64_t connections) {
  return std::clamp(divided_up(connections, 50), kLeastDeviceBacklog, kMostDeviceBacklog);
}

std::array<std::uint64_t, 3> tcp_mem_needed(std::uint64_t connections, std::uint64_t most) {
  std::uint64_t high = times(connections, 3);
  if (most != 0) high = std::min(high, most / 2);
  return {high / 2, high / 3 * 2 + high % 3 * 2 / 3, high};
}

std::uint64_t receive_buffer_most(std::uint64_t connections, std::uint64_t memory) {
  const std::uint64_t hostile = std::max<std::uint64_t>(connections / 50, 1);
  return std::bit_ceil(std::clamp(memory / 2 / hostile, kLeastReceiveBuffer, kMostReceiveBuffer));
}

std::uint64_t closing_needed(std::uint64_t connections) {
  return std::max(divided_up(connections, 2), kLeastClosing);
}

std::uint64_t conntrack_needed(std::uint64_t connections, std::uint64_t tracked) {
  return plus(plus(connections, divided_up(connections, 4)), tracked);
}

std::uint64_t conntrack_holds(std::uint64_t max, std::uint64_t tracked) {
  const std::uint64_t left = minus(max, tracked);
  return left - divided_up(left, 5);
}

std::uint64_t conntrack_buckets_needed(std::uint64_t max) { return divided_up(max, 4); }

std::uint64_t memory_needed(std::uint64_t connections, std::uint64_t fixed) {
  const std::uint64_t used = plus(times(connections, kBytesPerConnection), fixed);
  return plus(used, divided_up(used, 9));
}

std::uint64_t memory_holds(std::uint64_t bytes, std::uint64_t fixed) {
  return minus(bytes - divided_up(bytes, 10), fixed) / kBytesPerConnection;
}

std::uint64_t mappings_needed(std::uint64_t connections) {
  return std::max(divided_up(connections, 4), kLeastMappings);
}

std::uint64_t ports_needed(std::uint64_t links) { return times(links, kPortsPerLink); }

std::uint64_t proxy_addresses_needed(std::uint64_t connections, std::uint64_t ports) {
  const std::uint64_t each = std::clamp<std::uint64_t>(ports / 2, 1, kMostQuickPorts);
  return divided_up(connections, each);
}

}  // namespace millrace

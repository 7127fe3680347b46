// Which address each client connects from and to, so that ports do not run out. Pure.
//
// A connection's port is picked by the kernel among ip_local_port_range, for each pair of a source
// and a target address by itself. It tries every second port first; past half of the range each
// connect walks that half in vain (measured: 300 connects a second instead of 36,000). So a pair
// gets fewer than half of the range where addresses suffice, and never more than kMostOfAPair.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/ring/op.h"
#include "net/server/listen_address.h"

namespace millrace::load {

struct PortRange {
  std::uint32_t first = 32'768;
  std::uint32_t last = 60'999;
  [[nodiscard]] std::uint64_t size() const { return last >= first ? last - first + 1 : 0; }
};

// Of net.ipv4.ip_local_port_range's text, such as "32768\t60999\n". The default if it is neither.
PortRange parse_port_range(std::string_view text);

class AddressPlan {
 public:
  static constexpr std::uint64_t kMostOfAPair = 25'000;
  static constexpr std::size_t kMostAddresses = 65'536;  // of a range

  // "127.0.0.1:8000", "[::1]:8000", "127.0.0.1-127.0.0.40:8000".
  static Result<std::vector<ListenAddress>> parse_target(std::string_view text);
  // "127.0.1.1", "127.0.1.1-127.0.1.8", "::1".
  static Result<std::vector<ListenAddress>> parse_source(std::string_view text);

  // Without sources a loopback target gets as many of 127.0.0.0/8 as it takes, and any other the
  // one that the kernel picks. The error says how many addresses are missing.
  static Result<AddressPlan> make(std::uint64_t connections,
                                  const std::vector<ListenAddress>& targets,
                                  const std::vector<ListenAddress>& sources, PortRange ports);

  [[nodiscard]] std::size_t target_of(std::uint64_t client) const {
    return client % pairs() / sources_count();
  }
  // nullptr: the kernel picks it.
  [[nodiscard]] const PeerAddress* source_of(std::uint64_t client) const;
  [[nodiscard]] const PeerAddress& address_of(std::size_t target) const { return to_[target]; }
  [[nodiscard]] const std::vector<ListenAddress>& targets() const { return targets_; }
  [[nodiscard]] std::size_t sources() const { return from_.size(); }
  [[nodiscard]] std::uint64_t pairs() const { return to_.size() * sources_count(); }
  // True if some pair has more than half of the range: connects will be slow.
  [[nodiscard]] bool crowded() const { return crowded_; }

 private:
  [[nodiscard]] std::uint64_t sources_count() const { return from_.empty() ? 1 : from_.size(); }

  std::vector<ListenAddress> targets_;
  std::vector<PeerAddress> to_;
  std::vector<PeerAddress> from_;
  bool crowded_ = false;
};

// As the kernel wants it.
PeerAddress socket_address(const ListenAddress& address);

}  // namespace millrace::load

#include "net/tcp/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {
constexpr std::array<std::uint8_t, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
}

Peer Peer::from(const PeerAddress& raw) {
  Peer peer;
  if (raw.storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &raw.storage, sizeof(v4));
    std::copy(kV4Prefix.begin(), kV4Prefix.end(), peer.address.begin());
    std::memcpy(peer.address.data() + kV4Prefix.size(), &v4.sin_addr, 4);
    peer.port = ntohs(v4.sin_port);
  } else if (raw.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &raw.storage, sizeof(v6));
    std::memcpy(peer.address.data(), &v6.sin6_addr, 16);
    peer.port = ntohs(v6.sin6_port);
  }
  return peer;
}

bool Peer::is_v4() const { return std::equal(kV4Prefix.begin(), kV4Prefix.end(), address.begin()); }

std::string Peer::address_text() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4()) {
    inet_ntop(AF_INET, address.data() + kV4Prefix.size(), text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, address.data(), text, sizeof(text));
  }
  return text;
}

std::string Peer::to_string() const {
  const std::string text = address_text();
  return (is_v4() ? text : "[" + text + "]") + ":" + std::to_string(port);
}

}  // namespace millrace

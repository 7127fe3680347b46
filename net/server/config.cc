#include "net/server/config.h"

namespace millrace {

const ListenAddress* first_public_address(const Config& config) {
  for (const ListenAddress& address : config.server.listen) {
    if (!is_loopback(address)) return &address;
  }
  return nullptr;
}

}  // namespace millrace

#include "net/server/config.h"

#include "core/hub/channel_name.h"

namespace millrace {

const NamespaceConfig* find_namespace(const Config& config, std::string_view name) {
  static const NamespaceConfig kBuiltIn;
  const auto found = config.namespaces.find(name);
  if (found != config.namespaces.end()) return &found->second;
  if (!config.insecure) return nullptr;
  const auto fallback = config.namespaces.find(kDefaultNamespace);
  return fallback != config.namespaces.end() ? &fallback->second : &kBuiltIn;
}

const ListenAddress* first_public_address(const Config& config) {
  for (const ListenAddress& address : config.server.listen) {
    if (!is_loopback(address)) return &address;
  }
  return nullptr;
}

}  // namespace millrace

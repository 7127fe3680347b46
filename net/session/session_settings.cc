#include "net/session/session_settings.h"

#include "core/hub/channel_name.h"

namespace millrace {

const NamespaceSettings* SessionSettings::find_namespace(Bytes channel) const {
  static const NamespaceSettings kDefaults;
  auto it = namespaces.find(channel_namespace(channel));
  if (it != namespaces.end()) return &it->second;
  if (!insecure) return nullptr;
  it = namespaces.find(kDefaultNamespace);
  return it != namespaces.end() ? &it->second : &kDefaults;
}

}  // namespace millrace

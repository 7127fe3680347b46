// What settings of a namespace can't work together, with cause and fix. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/server/config.h"

namespace millrace {

// The first that is wrong: the key that asks for what is not there, and what stands behind
// "namespaces.NAME.KEY" in an error: "is 100, but ...; fix".
struct NamespaceFault {
  std::string_view key;
  std::string text;
};

// What all namespaces live in.
struct NamespaceWorld {
  BrokerKind broker;
  Duration position_check;
  // What the application is asked at all.
  bool asks_subscribe = false;
  bool asks_publish = false;
  bool asks_sub_refresh = false;
};
inline NamespaceWorld world_of(const Config& config) {
  return {config.broker.kind, config.limits.position_check, config.proxy.subscribe.on,
          config.proxy.publish.on, config.proxy.sub_refresh.on};
}

// What [proxy] asks can't be asked: what stands behind "proxy" in an error. Nothing: it can.
std::optional<std::string> proxy_fault(const Config& config);

std::optional<NamespaceFault> find_fault(const NamespaceConfig& settings,
                                         const NamespaceWorld& world);

}  // namespace millrace

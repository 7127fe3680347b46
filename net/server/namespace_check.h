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
};
inline NamespaceWorld world_of(const Config& config) {
  return {config.broker.kind, config.limits.position_check};
}

std::optional<NamespaceFault> find_fault(const NamespaceConfig& settings,
                                         const NamespaceWorld& world);

}  // namespace millrace

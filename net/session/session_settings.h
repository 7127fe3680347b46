// What a session may and must: constant configuration, shared by all shards.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/time/instant.h"

namespace millrace {

// One namespace's settings (docs/CONFIGURATION.md).
struct NamespaceSettings {
  bool prefix_interest = false;
};

struct SessionSettings {
  bool insecure = false;        // no token is needed and everything is granted
  std::string version = "dev";  // of the server, told to clients
  Duration ping_interval = seconds(25);
  Duration pong_timeout = seconds(8);
  Duration stale_timeout = seconds(10);  // from the upgrade to the connect command
  std::size_t publication_bytes = 1024 * 1024;
  boost::unordered_flat_map<std::string, NamespaceSettings, BytesHash, std::equal_to<>> namespaces;

  // The settings that a channel lives under, or nullptr: its namespace is not configured. Under
  // `insecure` such a channel takes the default namespace's. REQUIRES: a valid channel name.
  [[nodiscard]] const NamespaceSettings* find_namespace(Bytes channel) const;
};

}  // namespace millrace

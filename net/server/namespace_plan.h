// What the configuration of namespaces means for sessions. Pure.
#pragma once

#include "net/server/config.h"
#include "net/session/namespace_settings.h"

namespace millrace {

// The namespaces of the file; under --insecure `default` too if the file has none, made so that
// every feature of the SDKs works: presence, joins and leaves, and with the broker in memory
// history, recovery and delta compression. What is not configured takes its settings there.
NamespaceTable make_namespaces(const Config& config);

}  // namespace millrace

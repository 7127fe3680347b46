// What the configuration of namespaces means for sessions. Pure.
#pragma once

#include <vector>

#include "net/jet/stream_plan.h"
#include "net/server/config.h"
#include "net/session/namespace_settings.h"

namespace millrace {

// The namespaces of the file; under --insecure `default` too if the file has none, made so that
// every feature of the SDKs works: presence, joins and leaves, and with the broker in memory
// history, recovery and delta compression. What is not configured takes its settings there.
NamespaceTable make_namespaces(const Config& config);

// The namespaces that have a stream at NATS: those with history, if that is the broker.
std::vector<JetNamespace> make_stream_namespaces(const Config& config);

// What has no stream keeps no history: `table` is of a reload, and streams are made at the start.
void keep_to_streams(const std::vector<JetNamespace>& streams, NamespaceTable& table);

}  // namespace millrace

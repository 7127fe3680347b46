// The methods of the server API, by the names that they have in a path and in a subject.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.h"

namespace millrace {

enum class ApiMethod : std::uint8_t {
  kPublish,
  kBroadcast,
  kSubscribe,
  kUnsubscribe,
  kDisconnect,
  kRefresh,
  kPresence,
  kPresenceStats,
  kHistory,
  kHistoryRemove,
  kChannels,
  kInfo,
  kBatch,
  kRevoke,
};

std::optional<ApiMethod> api_method(Bytes name);
Bytes api_method_name(ApiMethod method);

}  // namespace millrace

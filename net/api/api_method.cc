#include "net/api/api_method.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace millrace {
namespace {

// By ApiMethod.
constexpr std::array<Bytes, 14> kNames{
    "publish",  "broadcast", "subscribe",      "unsubscribe", "disconnect",
    "refresh",  "presence",  "presence_stats", "history",     "history_remove",
    "channels", "info",      "batch",          "revoke",
};

}  // namespace

std::optional<ApiMethod> api_method(Bytes name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ApiMethod>(std::distance(kNames.begin(), found));
}

Bytes api_method_name(ApiMethod method) { return kNames.at(static_cast<std::size_t>(method)); }

}  // namespace millrace

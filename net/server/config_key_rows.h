// The rows of the table of keys (config_keys.h), one function for each part of it.
//
// For the files that hold rows and the one that puts them together; all others ask config_keys.h.
// Constant, and of no shard: only the start and a reload look at keys. The limits are the rows' own
// ends of ranges (tests/limits tries each of them).
#pragma once

#include <cstdint>
#include <span>

#include "net/server/config_keys.h"

namespace millrace {

// Milliseconds and bytes, for the ends of ranges.
inline constexpr std::int64_t kKeyKiB = 1024;
inline constexpr std::int64_t kKeyMiB = 1024 * kKeyKiB;
inline constexpr std::int64_t kKeyGiB = 1024 * kKeyMiB;
inline constexpr std::int64_t kKeySecond = 1'000;
inline constexpr std::int64_t kKeyMinute = 60 * kKeySecond;
inline constexpr std::int64_t kKeyHour = 60 * kKeyMinute;

// The member `Field` of the section `Section` of the Config.
template <auto Section, auto Field>
Slot in_section(Target target) {
  return &(target.config->*Section.*Field);
}
template <auto Field>
inline constexpr auto kInLimits = in_section<&Config::limits, Field>;

std::span<const ConfigKey> server_keys();     // [server], [broker], [api], [token]
std::span<const ConfigKey> limit_keys();      // [limits], of connections and what they are made of
std::span<const ConfigKey> protocol_keys();   // [limits], of what clients do once they are in
std::span<const ConfigKey> proxy_keys();      // [proxy] and its sections, a method each
std::span<const ConfigKey> namespace_keys();  // [namespaces.NAME]
std::span<const ConfigKey> start_keys();      // not in the file

}  // namespace millrace

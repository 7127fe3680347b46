// What may and does happen in the channels of one namespace, and in which namespace a channel is.
// Constant; a new configuration makes a new table, and shards are given it (net/server/reload.h).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/hub/presence.h"
#include "core/hub/stream.h"
#include "net/auth/permissions.h"

namespace millrace {

enum class PayloadKind : std::uint8_t { kJson, kBinary };

// Whether all of `text` is like the pattern: `*` is any number of characters, `?` is one,
// everything else is itself. At most text.size() * pattern.size() steps, and no recursion.
// REQUIRES: UTF-8.
bool matches(Bytes pattern, Bytes text);

struct NamespaceSettings {
  bool prefix_interest = false;  // one wildcard subscription at the broker for all its channels
  PayloadKind payload = PayloadKind::kJson;
  StreamOptions stream;
  bool positioned = false;   // all its subscriptions are
  bool recoverable = false;  // the same, and recover what was missed; needs stream.kept()
  bool notify_gaps = false;  // after an outage subscribers without a position are told
  PresenceOptions presence;
  bool delta = false;  // clients may ask for delta compression; needs stream.kept()
  Audience subscribe;
  Audience publish;
  Audience read_presence;
  Audience read_history;
  // The application decides instead (docs/APPLICATION.md), where it is asked at all.
  bool proxy_subscribe = false;
  bool proxy_publish = false;
  bool proxy_sub_refresh = false;
  // Rules for names, beside those of all channels (core/hub/channel_name.h).
  std::size_t name_bytes = 255;
  bool name_ascii = false;
  std::string name_pattern;  // of the part behind the boundary, as matches() takes it; empty: any

  // REQUIRES: a valid channel name.
  [[nodiscard]] bool allows_name(Bytes channel) const;
  bool operator==(const NamespaceSettings&) const = default;
};

struct NamespaceTable {
  boost::unordered_flat_map<std::string, NamespaceSettings, BytesHash, std::equal_to<>> by_name;
  // What a channel of no namespace takes if `insecure`, where that is not what default has.
  std::optional<NamespaceSettings> others = {};

  // The settings that a channel lives under, or nullptr: its namespace is not configured. If
  // `insecure` such a channel takes default's settings, which are the built-in ones if there are
  // none. REQUIRES: a valid channel name.
  [[nodiscard]] const NamespaceSettings* find(Bytes channel, bool insecure) const;
};

}  // namespace millrace

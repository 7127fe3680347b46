// Names for who is in a channel. Values only; core/hub/presence_table.h keeps members, a Broker
// answers.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/bytes.h"
#include "core/hub/client_info.h"

namespace millrace {

struct PresenceOptions {
  bool members = false;   // who is there can be asked
  bool announce = false;  // joins and leaves are told to those who want it

  [[nodiscard]] bool kept() const { return members || announce; }
  bool operator==(const PresenceOptions&) const = default;
};

struct PresenceCounts {
  std::uint32_t clients = 0;
  std::uint32_t users = 0;  // all who are nobody in particular count as one
  bool operator==(const PresenceCounts&) const = default;
};

// Views: they live for the call.
struct PresencePage {
  bool available = true;  // false: the broker can't tell now (error 100, temporary)
  PresenceCounts counts = {};
  std::span<const ClientInfo> members = {};  // empty if only counts were asked for
};

struct PresenceChange {
  bool joined = false;  // false: left
  ClientInfo member;
};

}  // namespace millrace

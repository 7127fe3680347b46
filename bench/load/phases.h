// What a run does, in order: "open,hold=5m,broadcast=3,drain=60s,close". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/time/instant.h"

namespace millrace::load {

enum class PhaseKind : std::uint8_t {
  kOpen,       // all connect, and subscribe
  kHold,       // they stay, and answer pings
  kLoad,       // publications, for so long
  kBroadcast,  // so many publications to one channel, one by one, each awaited
  kExpect,     // somebody else publishes: until each stream has so many
  kCut,        // connections are cut by us and come back
  kPause,      // until a line comes on the standard input
  kDrain,      // until the server has closed all connections, at most so long
  kClose,      // the clients close
};

struct Phase {
  PhaseKind kind = PhaseKind::kOpen;
  Duration duration{};      // kHold, kLoad, kDrain
  std::uint64_t count = 0;  // kBroadcast, kExpect
};

const char* phase_name(PhaseKind kind);
// "hold=5m"; what parse_phases() reads.
std::string phase_text(const Phase& phase);
// The first is `open`, and there is one; nothing stands behind `close`.
Result<std::vector<Phase>> parse_phases(std::string_view text);

}  // namespace millrace::load

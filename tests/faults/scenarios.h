// What happens in a world while something fails: each scenario small, together every path of a
// connection's life.
#pragma once

#include <ostream>
#include <span>

#include "tests/faults/fault_world.h"

namespace millrace {

struct Scenario {
  const char* name;
  void (*play)(FaultWorld& world);
};

inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

std::span<const Scenario> scenarios();

}  // namespace millrace

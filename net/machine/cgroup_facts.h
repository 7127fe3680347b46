// What the control groups of this process leave it, of version 2 and, where a machine still has
// them, of version 1. A limit counts wherever on the way from the group to the root it stands.
#pragma once

#include <string>

#include "net/machine/machine_facts.h"

namespace millrace {

// Fills in the facts that begin with cgroup_. `root` ends without a slash.
void read_cgroup_facts(const std::string& root, MachineFacts& facts);

}  // namespace millrace

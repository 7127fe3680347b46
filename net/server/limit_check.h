// What a configuration makes of the machine's limits: the bridge from Config to net/machine, for
// `serve` at its start and for `millrace check`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "net/machine/limit_rules.h"
#include "net/server/config.h"

namespace millrace {

// What was tried on the running machine; nothing was where a copy of another one is judged.
struct KernelTrial {
  bool direct = true;             // client sockets are direct descriptors
  bool rings_are_locked = false;  // rings_count_as_locked() (core/ring/kernel_features.h)
  std::string missing;            // what io_uring lacks; empty: nothing
};

// REQUIRES: the configuration outlives the plan.
LimitPlan limit_plan(const Config& config, std::size_t client_shards, std::uint64_t descriptors,
                     const std::optional<KernelTrial>& trial, const MachineFacts& facts);

enum class CheckOutput : std::uint8_t { kTable, kJson, kSysctl };

struct CheckOptions {
  CheckOutput output = CheckOutput::kTable;
  std::string root = "/";  // another one: a copy of a machine's /proc and /sys
};

struct CheckResult {
  int exit_code = 0;  // 0, or 71 if the server would not start with what is asked for
  std::string text;   // for stdout
};

// Reads the machine, tries io_uring where it is this one, and applies nothing.
CheckResult run_check(const Config& config, const CheckOptions& options);

// Bytes of all rings, with what they share with the kernel.
std::uint64_t locked_bytes(const Config& config, std::size_t client_shards);

// Of the threads that a start makes, its own first one among them.
std::uint64_t threads_of(const Config& config, std::size_t client_shards);

}  // namespace millrace

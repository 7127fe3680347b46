// Judges a machine for a number of connections: how many it holds, which limit decides that, and
// what is too low for so many. Pure: facts and a plan in, rows out.
//
// Some limits bound the cap (descriptors, files of the system, connection tracking, memory), some
// forbid the start, and the rest only make things worse: those are warnings. Connection tracking
// counts if something is tracked, or if a module that only rules need is in use; the rules
// themselves can't be read. Owner: who calls. docs/OPERATIONS.md explains every row.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/machine/machine_facts.h"

namespace millrace {

// What a configuration makes of the machine, in plain numbers.
struct LimitPlan {
  std::uint64_t asked = 0;  // max_connections; 0 is auto
  std::uint64_t shards = 1;
  bool direct = true;             // client sockets stand in the rings' own tables
  std::uint64_t descriptors = 0;  // RLIMIT_NOFILE as the server will have it; 0: not known
  // How many connections so many descriptors hold, and how many descriptors hold so many
  // connections; 0 if no number does.
  std::uint64_t socket_capacity = 0;
  std::function<std::uint64_t(std::uint64_t connections)> descriptors_for;
  std::uint64_t own_descriptors = 0;  // of the process, besides clients
  std::uint64_t nats_links = 0;
  std::uint64_t threads = 2;
  std::uint64_t locked_bytes = 0;             // of all rings, where they count as locked memory
  std::optional<bool> rings_count_as_locked;  // nullopt: not tried
  std::uint64_t fixed_bytes = 0;        // memory that is taken whatever the number of connections
  std::uint64_t send_buffer_bytes = 0;  // of a connection, in the kernel
  bool conntrack_exempt = false;        // rules keep the clients' ports out of connection tracking
  bool probed = false;                  // io_uring was tried, not only read about
  std::string kernel_error;             // what the trial found missing; empty: nothing
};

enum class Verdict : std::uint8_t { kOk, kWarning, kTooLow, kUnknown };
std::string_view verdict_name(Verdict verdict);

struct LimitRow {
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string found, needed;  // for people
  std::optional<std::uint64_t> found_value, needed_value;
  std::string unit;
  std::string formula;
  std::optional<std::uint64_t> holds;  // connections that this limit allows
  bool forbids = false;                // the server can't start at all
  std::string consequence;             // one sentence, of what breaks below it
  std::string fix;                     // a command or setting; empty if there is nothing to mend
};

struct LimitReport {
  std::uint64_t asked = 0;
  std::uint64_t cap = 0;   // what the server will hold
  std::string decided_by;  // the name of a row
  std::vector<LimitRow> rows;

  // Whether the server starts with all the connections that are asked for.
  [[nodiscard]] bool fits() const;
  [[nodiscard]] const LimitRow& deciding() const;
  [[nodiscard]] std::size_t count(Verdict verdict) const;
};

inline constexpr std::string_view kConfiguredCap = "max_connections";

LimitReport judge_limits(const MachineFacts& facts, const LimitPlan& plan);

// "1,000,000".
std::string grouped(std::uint64_t number);

}  // namespace millrace

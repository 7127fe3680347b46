// What a run was and what it showed, phase by phase: plain data for the verdict, the summary and
// the JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/options.h"
#include "bench/load/process_stats.h"
#include "bench/load/report.h"

namespace millrace::load {

// All that was read from outside at one moment.
struct Sample {
  Instant at{};
  ProcessSample server;
  ProcessSample self;
  MachineSample machine;
  std::string stats;  // of the server's admin port, as it came; empty without
};

// How busy everybody was between two samples, in cores.
struct Usage {
  double seconds = 0;
  double server = 0;
  double server_thread = 0;  // the busiest
  double self = 0;
  double self_thread = 0;
  double machine = 0;
  std::uint64_t cores = 0;
};
Usage usage_between(const Sample& from, const Sample& to);

// Who had no more to give.
enum class Saturated : std::uint8_t { kNeither, kServer, kClient, kBoth, kMachine };
Saturated saturated(const Usage& usage);
const char* saturated_name(Saturated who);

struct PhaseResult {
  Phase phase;
  Instant began{};
  Instant ended{};
  Report report;
  Usage usage;
  Sample after;
  std::uint64_t up = 0;                 // at the end
  double load_seconds = 0;              // kLoad: until the last delivery
  std::vector<Duration> broadcasts;     // each one's time until the last client had it
  std::uint64_t broadcast_missing = 0;  // deliveries that did not come in time
  bool complete = true;                 // what it waits for has come
  bool interrupted = false;             // by a signal
};

struct RunResult {
  std::size_t threads = 0;
  std::size_t sources = 0;
  std::uint64_t pairs = 1;
  Sample before;
  std::vector<PhaseResult> phases;
  Sample after;
  std::vector<std::string> failures;
};

// What of it was not as asked, one sentence each; empty if all was. Pure.
std::vector<std::string> judge(const Options& options, const RunResult& run);

// 12345 as "12,345".
std::string grouped(std::uint64_t number);

}  // namespace millrace::load

// What one thread counted in one phase of a run, and what they add up to.
//
// Owner: its thread, until it is handed over at the end of the phase.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "bench/load/histogram.h"
#include "bench/load/sequence_check.h"

namespace millrace::load {

struct Report {
  // Connections
  std::uint64_t attempts = 0;
  std::uint64_t came_up = 0;                              // times that a client was connected
  std::map<std::string, std::uint64_t> connect_errors;    // by cause
  std::uint64_t refused = 0;                              // answered 503
  std::map<std::uint32_t, std::uint64_t> retry_after;     // seconds that those were told to wait
  std::map<std::uint32_t, std::uint64_t> command_errors;  // by code of the protocol
  // Closes of connections that were up, by code; 1006 where there was no close frame
  std::map<std::uint16_t, std::uint64_t> closes;        // that nobody asked for
  std::map<std::uint16_t, std::uint64_t> drain_closes;  // while the server was expected to drain
  std::map<std::uint16_t, std::uint64_t> slow_closes;   // of readers that had stopped
  std::uint64_t own_closes = 0;                         // by us: closed or cut
  // Messages
  std::uint64_t pings = 0;
  std::uint64_t deliveries = 0;       // to readers that read
  std::uint64_t slow_deliveries = 0;  // to those that stopped, while they still read
  std::uint64_t misdelivered = 0;     // on a channel that the client has not
  std::uint64_t unsubscribes = 0;     // that the server pushed
  std::uint64_t recovered = 0;        // subscriptions that got all they missed
  std::uint64_t unrecovered = 0;      // that were told that they can't
  SequenceCounts sequences;
  std::uint64_t published = 0;
  std::uint64_t unsent = 0;  // due while their publisher was not connected
  std::map<std::string, std::uint64_t> publish_errors;  // by cause
  std::uint64_t bytes_received = 0;
  // Times
  Histogram connect_time;  // from the start of an attempt (or when it was due) to its last reply
  Histogram delivery;      // from when a publication was due
  Histogram publish_time;  // the same, to its answer
  Histogram close_time;    // drain_closes, from the begin of the drain

  void add(const Report& other);
  [[nodiscard]] std::uint64_t failed() const;  // attempts that ended otherwise than by 503
};

std::uint64_t sum_of(const auto& counts) {
  std::uint64_t sum = 0;
  for (const auto& [key, count] : counts) sum += count;
  return sum;
}

}  // namespace millrace::load

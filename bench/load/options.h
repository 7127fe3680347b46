// What a run is asked to do. Filled from the command line (bench/load/command_line.h); constant
// after that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/backoff.h"
#include "bench/load/channel_pattern.h"
#include "bench/load/phases.h"
#include "net/server/listen_address.h"

namespace millrace::load {

enum class Workload : std::uint8_t {
  kIdle,
  kFanout,
  kPublish,
  kRooms,
  kStorm,
  kReconnect,
  kSlow,
  kListen,
};
const char* workload_name(Workload workload);

enum class WireProtocol : std::uint8_t { kJson, kFlat, kRaw };
const char* protocol_name(WireProtocol protocol);

// What a run may show without being a failure.
struct Allowed {
  bool refused = false;  // answers 503
  bool errors = false;   // connects, commands and publications that failed
  bool closes = false;   // that nobody asked for
  bool holes = false;    // in what subscribers got
};

struct Options {
  Workload workload = Workload::kIdle;
  std::vector<ListenAddress> targets;
  std::vector<ListenAddress> sources;
  std::uint64_t connections = 1'000;
  std::vector<Phase> phases;

  WireProtocol protocol = WireProtocol::kJson;
  std::string path = "/connection/websocket";
  std::string subprotocol;
  std::string origin;
  std::string token;
  std::string token_secret;  // a token for each client instead
  std::vector<ChannelPattern> channels;

  double connect_rate = 0;         // a second; 0: as fast as `connecting` allows
  std::uint64_t connecting = 512;  // at once, of all threads
  Duration connect_timeout = seconds(30);
  Duration patience = seconds(60);  // how long to wait for what makes no progress
  std::size_t threads = 0;          // 0: as many as cores leave

  bool publish_by_api = false;
  std::string api_key;
  ListenAddress api;
  double rate = 10;              // publications a second
  std::uint64_t in_flight = 0;   // instead of a rate: so many at once
  std::uint64_t size = 64;       // bytes of a payload
  std::uint64_t publishers = 0;  // clients that publish (kPublish)
  std::optional<ChannelPattern> publish_to;
  std::string broadcast_to;

  bool reconnect = false;
  Backoff backoff;
  double cut_share = 1;
  bool recover = false;           // who comes back wants what it missed
  std::uint64_t cut_publish = 0;  // publications while they are away
  double slow_share = 0;

  Allowed allowed;
  std::uint32_t server_pid = 0;  // 0: found by the port
  std::optional<ListenAddress> admin;
  std::string json;    // file, "-" or empty
  std::string events;  // the same
  bool quiet = false;
};

// Whether client `i` of `of` is one of `count` that are spread evenly. Pure.
inline bool one_of(std::uint64_t i, std::uint64_t count, std::uint64_t of) {
  return (i + 1) * count / of > i * count / of;
}

}  // namespace millrace::load

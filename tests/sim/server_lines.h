// The server's JSON, as far as simulated clients read it: found by its keys, which is enough
// because no payload, name or id in a simulation holds one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"

namespace millrace::sim {

// The number behind `key`, or 0.
std::uint64_t number_behind(Bytes line, Bytes key);
Bytes string_behind(Bytes line, Bytes key);

struct ToldPublication {
  Bytes data;
  std::uint64_t offset = 0;
};
// All of a line, in order. `around`: the line without them.
std::vector<ToldPublication> publications_of(Bytes line, std::string& around);

// The ids of clients, in order.
std::vector<std::string> clients_of(Bytes line);

}  // namespace millrace::sim

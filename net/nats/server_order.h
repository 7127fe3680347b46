// In which order a connection tries the servers of a NATS cluster. Pure.
//
// Connections whose `spread` counts up begin at one server after the other, so that of n servers
// none has more than one connection more than another; and those that began at the same one try the
// others in turn too, so that the connections of a server that goes away spread as well.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace millrace {

// REQUIRES: `urls` is not empty.
std::vector<std::string> server_order(const std::vector<std::string>& urls, std::size_t spread);

}  // namespace millrace

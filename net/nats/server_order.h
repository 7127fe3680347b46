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

// `order` and behind it what the cluster has named (`discovered`, host:port with or without a
// scheme), each server once, without the one at `current`. The user of the first URL that names one
// goes with those that were discovered.
std::vector<std::string> servers_but(const std::vector<std::string>& order,
                                     const std::vector<std::string>& discovered,
                                     const std::string& current);

}  // namespace millrace

// What people are told while NATS is away. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/nats/broker_link.h"

namespace millrace {

// Names the servers, without passwords, how long it is, why, and what to do. `note` is what the
// library said last; it may be empty.
std::string nats_away_text(const std::vector<std::string>& urls, std::int64_t away_seconds,
                           NatsLinkCause cause, const std::string& note);

}  // namespace millrace

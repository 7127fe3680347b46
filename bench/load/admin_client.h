// GET /stats of a server's admin port, once, with plain blocking calls.
#pragma once

#include <string>

#include "net/server/listen_address.h"

namespace millrace::load {

// The body if it is an answer 200 with a JSON object, or an empty text.
std::string fetch_stats(const ListenAddress& admin);

}  // namespace millrace::load

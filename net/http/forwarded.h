// Whom a proxy speaks for: X-Forwarded-For, or Forwarded (RFC 7239). Pure.
//
// Anybody can send these fields, and a proxy only adds to them; so they are read from the right,
// where the proxy that is connected to us wrote, and only as far as trusted proxies wrote. What
// stands further left is a client's word and is not looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "net/http/request_parser.h"
#include "net/tcp/network.h"

namespace millrace {

// The one that the proxies set. Never both: a proxy passes on the one that it does not know, as its
// client wrote it.
enum class ForwardedField : std::uint8_t { kXForwardedFor, kForwarded };

// How many trusted proxies may stand one behind the other.
inline constexpr std::size_t kMaxForwardedHops = 16;

struct ForwardedClient {
  enum class Outcome : std::uint8_t {
    kFound,
    kUntold,   // no such field, or the proxy says that it does not tell
    kGarbage,  // what a trusted proxy wrote is no address
  };
  Outcome outcome = Outcome::kUntold;
  Peer peer;            // the client, if it was found; else the last proxy that is known
  std::string garbage;  // what could not be read
};

// `proxy` is who is connected to us. REQUIRES: it is trusted.
ForwardedClient forwarded_client(const HttpRequest& request, ForwardedField field,
                                 const Peer& proxy, const Networks& trusted);

}  // namespace millrace

// The client's half of an upgrade to WebSocket (RFC 6455 section 4.1), and what an HTTP server
// answers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace millrace::load {

inline constexpr std::size_t kMaxHead = 16 * 1024;  // of an answer

// What every one of our clients asks. The key is the RFC's example: a key is not a secret, and
// equal requests are made once.
std::string upgrade_request(Bytes host, Bytes path, Bytes protocol, Bytes origin);
// POST with a JSON body, on a connection that is kept.
std::string post_request(Bytes host, Bytes path, Bytes api_key, Bytes body);

struct HttpHead {
  unsigned status = 0;
  bool accepted = false;                     // a 101 with the right Sec-WebSocket-Accept
  std::optional<std::uint32_t> retry_after;  // seconds
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  std::size_t size = 0;  // bytes, the empty line included
};

enum class HeadOutcome : std::uint8_t { kWhole, kNotWhole, kWrong };
HeadOutcome read_head(Bytes bytes, HttpHead& head);

}  // namespace millrace::load

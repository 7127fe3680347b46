// Replies to one client, as JSON lines without a line end. Each function returns the text of one
// message; putting it into a frame is the transport's business. docs/PROTOCOL.md has the bytes.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"
#include "proto/error_code.h"

namespace millrace {

struct ConnectReply {
  Bytes client;   // UUID
  Bytes version;  // of this server
  std::uint32_t ping_seconds = 25;
  bool pong = true;  // the client must answer pings
};

std::string encode_connect_reply(std::uint32_t id, const ConnectReply& reply);
std::string encode_subscribe_reply(std::uint32_t id);
std::string encode_unsubscribe_reply(std::uint32_t id);
std::string encode_publish_reply(std::uint32_t id);
std::string encode_error_reply(std::uint32_t id, ErrorCode code);

// The server's ping: an empty object.
inline constexpr Bytes kJsonPing = "{}";

}  // namespace millrace

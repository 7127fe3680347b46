// The RFC 6455 opening handshake as a pure decision: a request in, a response out.
//
// Checks, each with its own status (RFC 6455 section 4.2): GET, HTTP/1.1, Host exactly once,
// Upgrade and Connection tokens, Sec-WebSocket-Version 13 (else 426 naming 13), Sec-WebSocket-Key
// exactly once and 16 bytes of base64, no body, no bytes behind the head before the 101, Origin on
// the allow-list (403), subprotocols. Every answer but 101 closes the connection. 503 where the
// answer can't be computed for want of memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/http/origin_policy.h"
#include "net/http/request_parser.h"

namespace millrace {

enum class Subprotocol : std::uint8_t { kJson, kFlatBuffers };

struct UpgradeDecision {
  unsigned status = 400;  // 101, or a refusal
  std::string reason;     // of a refusal, for people
  std::string response;   // the whole response, ready to be sent
  Subprotocol subprotocol = Subprotocol::kJson;
};

// True if the request asks for an upgrade to WebSocket at all (its Upgrade field says so).
bool wants_websocket(const HttpRequest& request);

// `bytes_behind` is what the client sent behind the head before our answer.
UpgradeDecision decide_upgrade(const HttpRequest& request, Bytes bytes_behind,
                               const OriginPolicy& origins);

// The Sec-WebSocket-Accept value for a key (RFC 6455 section 4.2.2): base64(SHA-1(key + GUID)).
// Nothing if libcrypto fails: it has no memory, or its configuration forbids SHA-1.
std::optional<std::string> websocket_accept(Bytes key);

}  // namespace millrace

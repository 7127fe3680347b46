// WebSocket close codes (RFC 6455 section 7.4) and who may send them.
#pragma once

#include <cstdint>

namespace millrace {

enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupportedData = 1003,
  kNoStatus = 1005,  // never on the wire: a close frame without a code
  kInvalidPayload = 1007,
  kPolicyViolation = 1008,
  kMessageTooBig = 1009,
  kInternalError = 1011,
};

// True for a code that may stand in a close frame from a client: 1000 to 1003, 1007 to 1014 and
// 3000 to 4999 (RFC 6455 section 7.4.2 and the IANA registry).
bool close_code_valid_on_wire(std::uint16_t code);

}  // namespace millrace

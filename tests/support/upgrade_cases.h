// Opening handshakes and the status that each is answered with, whoever is asked: the decision by
// itself, or a server over a socket.
//
// The server allows no origin and has the limits of HttpLimits.
#pragma once

#include <vector>

#include "tests/support/handshake.h"

namespace millrace {

struct UpgradeCase {
  unsigned status;
  Handshake handshake;
};

// The request line and Host.
std::vector<UpgradeCase> request_line_cases();
// Upgrade and Connection.
std::vector<UpgradeCase> upgrade_token_cases();
// Sec-WebSocket-Version.
std::vector<UpgradeCase> version_cases();
// Sec-WebSocket-Key.
std::vector<UpgradeCase> key_cases();
// Bodies, and what frames them.
std::vector<UpgradeCase> body_cases();
// Sec-WebSocket-Protocol.
std::vector<UpgradeCase> subprotocol_cases();
// The wire format that a query asks for.
std::vector<UpgradeCase> format_cases();

std::vector<UpgradeCase> all_upgrade_cases();

}  // namespace millrace

// What a client asks, whatever wire format it came in. Views point into the frame and live as long.
//
// A frame carries one or more commands (docs: the Centrifuge protocol's JSON lines). A command is
// one alternative of the variant below with the client's id; `Pong` and `Send` have id 0.
#pragma once

#include <cstdint>
#include <variant>

#include "core/base/bytes.h"

namespace millrace {

struct ConnectCommand {
  Bytes token;  // unescaped; empty if absent
  Bytes name;   // of the client library
  Bytes version;
  Bytes data;  // raw JSON, empty if absent
};
struct SubscribeCommand {
  Bytes channel;  // unescaped
  Bytes token;
};
struct UnsubscribeCommand {
  Bytes channel;
};
struct PublishCommand {
  Bytes channel;
  Bytes data;  // raw JSON, exactly as sent
};
// A command that the protocol has and this server does not offer; answered with error 108, or
// disconnect 3508 for `send`.
struct UnavailableCommand {
  enum class What : std::uint8_t {
    kPresence,
    kPresenceStats,
    kHistory,
    kRpc,
    kRefresh,
    kSubRefresh
  };
  What what;
};
struct SendCommand {
  Bytes data;
};
struct PongCommand {};

struct Command {
  std::uint32_t id = 0;
  std::variant<PongCommand, ConnectCommand, SubscribeCommand, UnsubscribeCommand, PublishCommand,
               UnavailableCommand, SendCommand>
      body;
};

}  // namespace millrace

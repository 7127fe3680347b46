// What a client asks, whatever wire format it came in. Views point into the frame, or into the
// decoder that made them, and live until its next frame; `subs` until its next command.
//
// A frame carries one or more commands (docs/PROTOCOL.md). A command is one alternative of the
// variant below with the client's id; `Pong` and `Send` have id 0.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "core/base/bytes.h"

namespace millrace {

// Raw payloads (`data`): over JSON the JSON text exactly as sent but for line breaks, over
// FlatBuffers any bytes. Empty if absent.

// Where a client stood in a channel before it came back.
struct KnownPosition {
  Bytes epoch;  // as the client says it: any text
  std::uint64_t offset = 0;
};
// A channel that the client had by the server's doing, in a connect command.
struct KnownSubscription {
  Bytes channel;
  bool recover = false;
  KnownPosition position;
};
struct ConnectCommand {
  Bytes token;  // unescaped; empty if absent
  Bytes name;   // of the client library
  Bytes version;
  Bytes data;
  std::span<const KnownSubscription> subs;
};
struct SubscribeCommand {
  static constexpr std::uint64_t kRejectUnrecovered = 2;  // bit of `flag`: error 112 instead

  Bytes channel;  // unescaped
  Bytes token;
  bool recover = false;
  KnownPosition position;
  Bytes data;
  bool positioned = false;
  bool recoverable = false;
  bool join_leave = false;
  Bytes delta;  // the kind of delta compression asked for; empty: none
  bool has_filter = false;
  std::uint64_t flag = 0;
  std::int32_t type = 0;  // 0: a stream, the only one that is served
};
struct UnsubscribeCommand {
  Bytes channel;
};
struct PublishCommand {
  Bytes channel;
  Bytes data;
};
struct PresenceCommand {
  Bytes channel;
};
struct PresenceStatsCommand {
  Bytes channel;
};
struct HistoryCommand {
  Bytes channel;
  std::int32_t limit = 0;  // negative: as many as there may be
  std::optional<KnownPosition> since;
  bool reverse = false;
};
struct RpcCommand {
  Bytes method;
  Bytes data;
};
struct RefreshCommand {
  Bytes token;
};
struct SubRefreshCommand {
  Bytes channel;
  Bytes token;
};
struct SendCommand {
  Bytes data;
};
struct PongCommand {};

struct Command {
  std::uint32_t id = 0;
  std::variant<PongCommand, ConnectCommand, SubscribeCommand, UnsubscribeCommand, PublishCommand,
               PresenceCommand, PresenceStatsCommand, HistoryCommand, RpcCommand, RefreshCommand,
               SubRefreshCommand, SendCommand>
      body;
};

class CommandSink {
 public:
  // False stops decoding: the rest of the frame is dropped. `rest` is what of the frame stands
  // behind this command, for who can't go on now and decodes it later; empty if nothing does.
  virtual bool on_command(const Command& command, Bytes rest) = 0;

 protected:
  ~CommandSink() = default;
};

// Frames of one wire format -> Commands. Owner: one a shard, used on its thread.
class CommandDecoder {
 public:
  enum class Outcome : std::uint8_t {
    kDone,     // every command was handed over
    kStopped,  // the sink said so
    kBad,      // not a frame of this protocol: disconnect 3501. Commands before the bad one were
               // handed over; bad_reason() says what was wrong with it.
  };
  virtual ~CommandDecoder() = default;
  virtual Outcome decode(Bytes frame, CommandSink& sink) = 0;
  [[nodiscard]] virtual Bytes bad_reason() const = 0;
};

}  // namespace millrace

// JSON frames -> Commands (the Centrifuge protocol; docs/PROTOCOL.md has the bytes).
//
// simdjson reads; every line is validated whole, so that a raw payload taken out of it is JSON.
// Unknown fields are ignored. A name that the protocol knows may stand once: a second `id`, request
// or known field of a request makes the frame bad, so that no two readers can see two commands.
// No state across frames but buffers that are reused; what a command points to lives until the next
// decode(), or until the frame goes if that is earlier.
//
// Owner: one per shard, used on its thread. Limits: kMaxCommandsPerFrame, kMaxJsonDepth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/bytes.h"
#include "proto/command.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr std::size_t kMaxCommandsPerFrame = 1'024;

class CommandSink {
 public:
  // False stops decoding: the rest of the frame is dropped.
  virtual bool on_command(const Command& command) = 0;

 protected:
  ~CommandSink() = default;
};

class JsonCommandDecoder {
 public:
  JsonCommandDecoder();
  ~JsonCommandDecoder();
  JsonCommandDecoder(const JsonCommandDecoder&) = delete;
  JsonCommandDecoder& operator=(const JsonCommandDecoder&) = delete;

  enum class Outcome : std::uint8_t {
    kDone,     // every command was handed over
    kStopped,  // the sink said so
    kBad,      // not a frame of this protocol: disconnect 3501. Commands before the bad one were
               // handed over; bad_reason() says what was wrong with it.
  };
  Outcome decode(Bytes frame, CommandSink& sink);
  [[nodiscard]] Bytes bad_reason() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace

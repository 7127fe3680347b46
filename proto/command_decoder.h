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

class JsonCommandDecoder final : public CommandDecoder {
 public:
  JsonCommandDecoder();
  ~JsonCommandDecoder() override;
  JsonCommandDecoder(const JsonCommandDecoder&) = delete;
  JsonCommandDecoder& operator=(const JsonCommandDecoder&) = delete;

  Outcome decode(Bytes frame, CommandSink& sink) override;
  [[nodiscard]] Bytes bad_reason() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace

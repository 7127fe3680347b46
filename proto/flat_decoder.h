// FlatBuffers frames -> Commands (proto/millrace.fbs; docs/FLATBUFFERS.md has the bytes).
//
// A frame is size-prefixed buffers, one right after the other. Each is verified whole before a
// field of it is read: every offset stays inside, and depth and tables are bounded. Texts are UTF-8
// with their length, and may hold a NUL; together they are no longer than their message, so that
// what is checked is bounded by what was sent, however often an offset points to the same text.
//
// No state across frames but buffers that are reused. Owner: one a shard, used on its thread.
// Limits: kMaxCommands, kMaxKnownSubscriptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "proto/command.h"

namespace millrace {

class FlatCommandDecoder final : public CommandDecoder {
 public:
  static constexpr std::size_t kMaxCommands = 1'024;            // of a frame
  static constexpr std::size_t kMaxKnownSubscriptions = 1'024;  // of a connect

  Outcome decode(Bytes frame, CommandSink& sink) override;
  [[nodiscard]] Bytes bad_reason() const override { return reason_; }

 private:
  bool bad(Bytes why);
  [[nodiscard]] bool split(Bytes rest, Bytes& message);
  [[nodiscard]] Bytes aligned(Bytes message, std::size_t frame_bytes);

  // Messages of this frame that did not lie where 64-bit numbers may, each copied once. Room for
  // all is made with the first, so that views stay good.
  std::vector<std::uint64_t> words_;
  std::size_t words_used_ = 0;
  std::vector<KnownSubscription> known_;
  Bytes reason_;
};

}  // namespace millrace

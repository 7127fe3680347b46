// The same as client_text.h in the binary protocol (docs/FLATBUFFERS.md): commands written by
// proto/flat_writer.h, messages of the server verified and read by what flatc makes.
//
// Owner: what all clients of a thread have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/client_text.h"
#include "core/base/bytes.h"

namespace millrace::load {

inline constexpr Bytes kFlatSubprotocol = "millrace-flatbuffers";

void append_flat_connect(std::string& out, Bytes token);
void append_flat_subscribe(std::string& out, std::uint32_t id, Bytes channel,
                           const SubscribeFrom& from = {});
void append_flat_publish(std::string& out, std::uint32_t id, Bytes channel, Bytes data);
void append_flat_pong(std::string& out);

class FlatMessages {
 public:
  // Takes the first message off a frame; `rest` of a publication is its data. Views live until the
  // next call. Nothing if it is not one of the protocol.
  std::optional<ServerLine> take(Bytes& frame);
  // Of the message that was taken last, if it is a reply to subscribe. The same views.
  [[nodiscard]] SubscribeAnswer subscribe_answer() const;

 private:
  std::vector<std::uint64_t> words_;  // of one message, aligned
};

}  // namespace millrace::load

// Frames of a server out of a byte stream: not masked, maybe split anywhere, maybe fragmented (RFC
// 6455 section 5). The counterpart of net/ws/frame_decoder.h, written apart from it, so that a
// mistake of the server's does not hide in ours. Pure.
//
// What is not whole waits in `rest`, which exists only meanwhile: an idle client holds nothing.
// Limit: kMaxMessage bytes a message; a server that sends more is in error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "net/ws/frame_header.h"

namespace millrace::load {

class FrameTaker {
 public:
  // A whole message or control frame. False: stop, nothing more is wanted.
  virtual bool on_frame(Opcode opcode, Bytes payload) = 0;

 protected:
  ~FrameTaker() = default;
};

inline constexpr std::size_t kMaxMessage = 16 * 1024 * 1024;

class ServerFrames {
 public:
  // False if the server broke a rule; nothing may be fed after that.
  [[nodiscard]] bool feed(Bytes bytes, FrameTaker& taker);

 private:
  struct Rest {
    std::string bytes;    // of a frame that is not whole
    std::string message;  // of a message that is not whole
    Opcode opcode = Opcode::kText;
    bool fragmented = false;
  };
  enum class Step : std::uint8_t { kMore, kNotWhole, kStopped, kWrong };

  Step take_one(Bytes& bytes, FrameTaker& taker);
  Step take_frame(bool fin, Opcode opcode, Bytes payload, FrameTaker& taker);

  std::unique_ptr<Rest> rest_;
};

}  // namespace millrace::load

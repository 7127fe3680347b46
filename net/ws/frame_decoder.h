// Client frames out of a byte stream: wslay's receive side behind our types.
//
// wslay unmasks and walks the payload; its frame context costs 4,256 B, so decoders are lent from a
// pool (DecoderPool) to connections that are inside a message, and an idle connection holds none.
// What wslay does not check is checked here, before a byte of payload is read: mask present,
// reserved bits and opcodes, fragmentation order, control frames (final, at most 125 B), minimal
// and sane lengths, the message limit, the fragment limit (empty ones count), UTF-8 (RFC 6455
// sections 5 and 8.1), close codes. Memory grows with bytes received, never with lengths declared.
//
// wslay names a frame only with its first byte of payload; limits must act before. So the header
// is looked at first (net/ws/client_header.h) and wslay is fed one frame at a time.
//
// Owner: the connection that borrowed it, on its shard. Source: RFC 6455; wslay 1.1.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "net/ws/close_code.h"
#include "net/ws/frame_header.h"

namespace millrace {

struct FrameLimits {
  std::size_t message_bytes = 64 * 1024;
  std::uint32_t fragments = 1'024;  // frames of one message
};

// What a decoder reports, in the order of the stream. Views die when the call returns. A handler
// must not feed the decoder or give it back from inside a call; it may set a flag that stops it
// (return false: decoding stops at once, the rest of the bytes is dropped).
class FrameHandler {
 public:
  // A whole message; text has been checked to be UTF-8.
  virtual bool on_message(Opcode opcode, Bytes payload) = 0;
  virtual bool on_ping(Bytes payload) = 0;
  virtual bool on_pong(Bytes payload) = 0;
  // A close frame with a valid code (kNoStatus if it had none). Nothing is decoded after it.
  virtual void on_close(std::uint16_t code, Bytes reason) = 0;
  // The peer broke a rule. Nothing is decoded after it.
  virtual void on_violation(CloseCode code, Bytes reason) = 0;

 protected:
  ~FrameHandler() = default;
};

class FrameDecoder {
 public:
  FrameDecoder();
  ~FrameDecoder();
  FrameDecoder(const FrameDecoder&) = delete;
  FrameDecoder& operator=(const FrameDecoder&) = delete;

  // Decodes all of `bytes`. False once decoding has ended (close, violation, or the handler said
  // so).
  bool feed(Bytes bytes, const FrameLimits& limits, FrameHandler& handler);
  // The same, but of `bytes` only the first, until it is at rest if ever; leaves the others in it.
  bool feed_to_rest(Bytes& bytes, const FrameLimits& limits, FrameHandler& handler);

  // True if nothing is begun: no header byte, no frame, no open message. Only then it may be given
  // back by a connection that goes on; one that has ended gives it back as it is.
  [[nodiscard]] bool at_rest() const;
  // Forgets all state, for the next borrower; keeps at most kKeptCapacity bytes of memory.
  void reset();

  static constexpr std::size_t kKeptCapacity = 16 * 1024;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The decoders of one shard. Limits: `limit` lent at once; lend() beyond it returns nullptr, and
// the connection waits unread until one comes back. Of those that came back kMaxKept are kept for
// the next borrower: a message that comes in one piece needs one, and a burst of others must not be
// paid for ever after.
class DecoderPool {
 public:
  static constexpr std::size_t kMaxKept = 32;

  explicit DecoderPool(std::uint32_t limit) : limit_(limit) {}
  ~DecoderPool();  // REQUIRES: lent() == 0
  DecoderPool(const DecoderPool&) = delete;
  DecoderPool& operator=(const DecoderPool&) = delete;

  [[nodiscard]] FrameDecoder* lend();
  // Resets it. REQUIRES: lend() returned it and it was not given back since.
  void give_back(FrameDecoder* decoder);

  [[nodiscard]] std::uint32_t lent() const { return lent_; }
  [[nodiscard]] std::uint32_t limit() const { return limit_; }
  [[nodiscard]] std::size_t kept() const { return free_.size(); }

 private:
  const std::uint32_t limit_;
  std::uint32_t lent_ = 0;
  std::vector<std::unique_ptr<FrameDecoder>> free_;
};

}  // namespace millrace

// What a client writes and reads: masked frames (RFC 6455 section 5.3), commands and the lines of
// the Centrifuge protocol in JSON (docs/PROTOCOL.md). Pure.
//
// Lines are looked at, not parsed: a generator that parsed JSON would measure itself. What it looks
// for is what servers of this protocol write, in the order in which they write it.
#pragma once

#include <cstdint>
#include <string>

#include "bench/load/recovery.h"
#include "core/base/bytes.h"
#include "core/mem/shared_bytes.h"
#include "net/ws/frame_header.h"

namespace millrace::load {

// A whole frame. The masking key is 0, which is a key like another, and leaves the payload as it
// is.
SharedBytes client_frame(Opcode opcode, Bytes payload);
// `code` in two bytes.
SharedBytes client_close_frame(std::uint16_t code);

inline constexpr std::uint32_t kConnectId = 1;
inline constexpr std::uint32_t kFirstSubscribeId = 2;
inline constexpr std::uint32_t kFirstPublishId = 1'000;

void append_connect(std::string& out, Bytes token);
void append_subscribe(std::string& out, std::uint32_t id, Bytes channel,
                      const SubscribeFrom& from = {});
void append_publish(std::string& out, std::uint32_t id, Bytes channel, Bytes data);

struct ServerLine {
  enum class Kind : std::uint8_t { kPing, kReply, kPublication, kUnsubscribe, kOther };
  Kind kind = Kind::kOther;
  std::uint32_t id = 0;      // kReply
  std::uint32_t error = 0;   // kReply: the error's code, 0 for none
  Bytes channel;             // kPublication, kUnsubscribe; as it stands, escapes and all
  Bytes rest;                // kPublication: what stands behind the channel; kReply: all of it
  std::uint64_t offset = 0;  // kPublication: if the protocol has it at hand
};
ServerLine read_line(Bytes line);
// Of a reply to subscribe.
SubscribeAnswer read_subscribe_answer(Bytes reply);
// Of a publication, where its stream is kept; else 0.
std::uint64_t read_offset(Bytes publication);

}  // namespace millrace::load

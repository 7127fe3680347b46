// Sections 3 and 4: reserved bits and reserved opcodes, which nobody has given a meaning.
#include <string>

#include "tests/conformance/cases/case.h"

namespace millrace::conformance {
namespace {

constexpr std::size_t kByOctet = 1;

const std::string kHello = "Hello, world!";

// A final frame with these three reserved bits, as a number from 0 to 7.
std::string frame_with(std::uint8_t opcode, Bytes payload, std::uint8_t reserved = 0) {
  const auto first = static_cast<std::uint8_t>(kFinBit | reserved << 4 | opcode);
  return client_header(first, payload.size()) + mask_payload(payload);
}

std::string hello_frame() { return client_frame(Opcode::kText, kHello); }
std::string ping_frame() { return client_frame(Opcode::kPing, ""); }

Case alone(const std::string& id, const std::string& line, const std::string& frame) {
  return {id, line + " fails the connection (RFC 6455 section 5.2)",
          [=](const Effort&) { return Script().send(frame).fails(kProtocolError); }};
}

enum class Writes : std::uint8_t { kOne, kFrames, kOctets };

// Behind a good text, which comes back, and before a ping, which is not answered.
Case between(const std::string& id, const std::string& line, const std::string& frame,
             Writes writes) {
  return {id, "a text comes back, then " + line + " fails the connection (RFC 6455 section 5.2)",
          [=](const Effort&) {
            const std::vector<std::string> frames{hello_frame(), frame, ping_frame()};
            Script script;
            switch (writes) {
              case Writes::kOne:
                script.send(joined(frames));
                break;
              case Writes::kFrames:
                script.send_frames(frames);
                break;
              case Writes::kOctets:
                script.send_chopped(joined(frames), kByOctet);
                break;
            }
            return script.fails(kProtocolError, {text(kHello)});
          }};
}

Cases reserved_bits() {
  constexpr std::uint8_t kText = 0x1;
  return {
      alone("3.1", "a text with reserved bits 1", frame_with(kText, kHello, 1)),
      between("3.2", "one with reserved bits 2", frame_with(kText, kHello, 2), Writes::kOne),
      between("3.3", "one with reserved bits 3, frame by frame,", frame_with(kText, kHello, 3),
              Writes::kFrames),
      between("3.4", "one with reserved bits 4, octet by octet,", frame_with(kText, kHello, 4),
              Writes::kOctets),
      alone("3.5", "a binary message with reserved bits 5",
            frame_with(0x2, std::string("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8), 5)),
      alone("3.6", "a ping with reserved bits 6", frame_with(0x9, kHello, 6)),
      alone("3.7", "a close with reserved bits 7", frame_with(0x8, "\x03\xe8", 7)),
  };
}

// Five opcodes from `first` on.
Cases reserved_opcodes(const std::string& group, std::uint8_t first, const std::string& kind) {
  const auto name = [&](int i) { return "opcode " + std::to_string(first + i) + kind; };
  const auto frame = [&](int i, Bytes payload) {
    return frame_with(static_cast<std::uint8_t>(first + i), payload);
  };
  const Bytes payload = "reserved opcode payload";
  return {
      alone(group + "1", name(0), frame(0, "")),
      alone(group + "2", name(1) + " with a payload", frame(1, payload)),
      between(group + "3", name(2), frame(2, ""), Writes::kOne),
      between(group + "4", name(3) + " with a payload", frame(3, payload), Writes::kFrames),
      between(group + "5", name(4) + " with a payload, octet by octet,", frame(4, payload),
              Writes::kOctets),
  };
}

}  // namespace

Cases reserved_cases() {
  Cases cases = reserved_bits();
  for (const Cases& more :
       {reserved_opcodes("4.1.", 3, " (data)"), reserved_opcodes("4.2.", 11, " (control)")}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace millrace::conformance

// Section 7: the closing handshake.
#include <array>
#include <string>

#include "tests/conformance/cases/case.h"

namespace millrace::conformance {
namespace {

const std::string kHello = "Hello World!";

std::string close_frame(Bytes payload) { return client_frame(Opcode::kClose, payload); }
std::string text_frame(Bytes payload) { return client_frame(Opcode::kText, payload); }
std::string ping_frame() { return client_frame(Opcode::kPing, ""); }

// Frames in one write, and what is heard before the server's close frame of 1000.
Case sequence(const std::string& id, const std::string& line,
              const std::vector<std::string>& frames, const std::vector<Event>& before) {
  return {id, line + " (RFC 6455 section 5.5.1)",
          [=](const Effort&) { return Script().send(joined(frames)).closes(kNormal, before); }};
}

Cases handshakes() {
  const std::string bye = client_close_frame(kNormal);
  Cases cases{
      sequence("7.1.1", "a text, then a close: both are answered", {text_frame(kHello), bye},
               {text(kHello)}),
      sequence("7.1.2", "two close frames: one answer", {bye, bye}, {}),
      sequence("7.1.3", "a ping behind a close is not answered", {bye, ping_frame()}, {}),
      sequence("7.1.4", "a text behind a close does not come back", {bye, text_frame(kHello)}, {}),
      sequence("7.1.5", "a text that a close cuts in two does not come back",
               {client_frame(Opcode::kText, "fragment1", false), bye,
                client_frame(Opcode::kContinuation, "fragment2")},
               {}),
  };
  cases.push_back({"7.1.6",
                   "256 KiB of text, a close and a ping: the text may come back or not "
                   "(RFC 6455 section 5.5.1)",
                   [bye](const Effort&) {
                     const std::string large(256 * 1024, 'x');
                     const Ending ending{.codes = {kNormal}, .drop = true};
                     return Script()
                         .send(text_frame(large) + bye + ping_frame())
                         .says_goodbye()
                         .may({Verdict::kInformational, {text(large)}, ending})
                         .may({Verdict::kInformational, {}, ending});
                   }});
  return cases;
}

Case answered(const std::string& id, const std::string& line, const std::string& payload,
              std::uint16_t code) {
  return {id, line + " is answered in kind (RFC 6455 section 5.5.1)",
          [=](const Effort&) { return Script().send(close_frame(payload)).closes(code); }};
}

Case refused(const std::string& id, const std::string& line, const std::string& section,
             const std::string& payload, std::uint16_t code) {
  return {id, line + " fails the connection (RFC 6455 section " + section + ")",
          [=](const Effort&) { return Script().send(close_frame(payload)).fails(code); }};
}

std::string code_bytes(unsigned code) {
  return {static_cast<char>(code >> 8 & 0xff), static_cast<char>(code & 0xff)};
}

Cases payloads() {
  const std::string normal = code_bytes(kNormal);
  return {
      answered("7.3.1", "a close without payload", "", 1005),
      refused("7.3.2", "a close of one byte", "5.5.1", "a", kProtocolError),
      answered("7.3.3", "a close with a code", normal, kNormal),
      answered("7.3.4", "a close with a code and a reason", normal + kHello, kNormal),
      answered("7.3.5", "a close with a reason of 123 B", normal + std::string(123, '*'), kNormal),
      refused("7.3.6", "a close with a reason of 124 B", "5.5", normal + std::string(124, '*'),
              kProtocolError),
      refused("7.5.1", "a close whose reason is no UTF-8", "8.1",
              normal + "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"
                       "edited",
              kInvalidPayload),
  };
}

// Codes that RFC 6455 leaves to nobody: whatever the server does is right.
Case undefined(const std::string& id, unsigned code) {
  return {id,
          "a close with the undefined code " + std::to_string(code) + " (RFC 6455 section 7.4.2)",
          [=](const Effort&) {
            return Script()
                .send(close_frame(code_bytes(code)))
                .says_goodbye()
                .may({Verdict::kInformational, {}, {.drop = true, .any_code = true}});
          }};
}

}  // namespace

Cases close_cases() {
  constexpr std::array kValid{1000, 1001, 1002, 1003, 1007, 1008, 1009,
                              1010, 1011, 3000, 3999, 4000, 4999};
  constexpr std::array kInvalid{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999};
  Cases cases = handshakes();
  for (Case& one : payloads()) cases.push_back(std::move(one));
  int number = 0;
  for (const int code : kValid) {
    cases.push_back(answered(
        "7.7." + std::to_string(++number), "a close with the valid code " + std::to_string(code),
        code_bytes(static_cast<unsigned>(code)), static_cast<std::uint16_t>(code)));
  }
  number = 0;
  for (const int code : kInvalid) {
    cases.push_back(refused("7.9." + std::to_string(++number),
                            "a close with the invalid code " + std::to_string(code), "7.4",
                            code_bytes(static_cast<unsigned>(code)), kProtocolError));
  }
  cases.push_back(undefined("7.13.1", 5'000));
  cases.push_back(undefined("7.13.2", 65'535));
  return cases;
}

}  // namespace millrace::conformance

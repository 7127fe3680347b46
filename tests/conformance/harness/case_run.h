// Plays a case against a server on TCP and judges what it heard.
#pragma once

#include <optional>
#include <string>

#include "tests/conformance/cases/case.h"
#include "tests/conformance/plain_socket.h"

namespace millrace::conformance {

struct RunOptions {
  std::string address;  // "127.0.0.1:9001"
  Effort effort;
  // For an answer, and for the end of TCP behind the closing handshake.
  Milliseconds patience{20'000};
};

// What a client heard of a server behind the handshake.
struct Heard {
  std::vector<Event> events;
  std::optional<std::uint16_t> close_code;
  bool ended = false;  // the server ended TCP
  std::string fault;   // a rule of frames or of the handshake that it broke
};

struct Judgement {
  Verdict verdict = Verdict::kFailed;
  std::string text;  // what was expected and what was heard, unless it is kOk
};

Heard play(const Script& script, const RunOptions& options);
Judgement judge(const Script& script, const Heard& heard);
Judgement run_case(const Case& one, const RunOptions& options);

// A text for people; long payloads are cut.
std::string describe(const std::vector<Event>& events);

}  // namespace millrace::conformance

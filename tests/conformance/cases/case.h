// A conformance case: what a client sends, and what a server that keeps RFC 6455 may answer.
//
// The ids are those of the well-known suite, so that results can be compared. A case is data: the
// harness plays it over a socket (harness/case_run.h), the split test over a ring in memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "tests/support/client_frames.h"

namespace millrace::conformance {

// What a client notices, in order.
struct Event {
  enum class Kind : std::uint8_t {
    kText,
    kBinary,
    kPing,
    kPong,
    kWaited,  // a wait() passed and the server had not closed
  };
  Kind kind = Kind::kText;
  std::string payload;

  bool operator==(const Event&) const = default;
};

Event text(Bytes payload);
Event binary(Bytes payload);
Event pong(Bytes payload);
Event waited();

struct Step {
  enum class Kind : std::uint8_t { kSend, kAwait, kWait };
  Kind kind = Kind::kSend;
  std::string bytes;                    // kSend
  std::size_t chop = 0;                 // kSend: octets of each write; 0 for one write
  std::size_t events = 0;               // kAwait: until so many have come in all
  std::chrono::milliseconds longest{};  // kWait: unless the server closes before
};

enum class Verdict : std::uint8_t {
  kOk,
  kNonStrict,      // tolerated by the RFC, but a good server does better
  kInformational,  // the RFC leaves it open
  kFailed,
};

// How the connection may end.
struct Ending {
  std::vector<std::uint16_t> codes = {};  // of the server's close frame; 1005: it has none
  bool drop = false;                      // TCP may end without a close frame
  bool any_code = false;
};

struct Outcome {
  Verdict verdict = Verdict::kOk;
  std::vector<Event> events;
  Ending ending;
};

inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kInvalidPayload = 1007;

class Script {
 public:
  Script& send(Bytes bytes) { return send_chopped(bytes, 0); }
  Script& send_chopped(Bytes bytes, std::size_t octets);
  // Each frame in a write of its own.
  Script& send_frames(const std::vector<std::string>& frames);
  Script& await(std::size_t events);
  Script& wait(std::chrono::milliseconds longest);

  // The outcomes; the first that fits is the verdict.
  Script& may(Outcome outcome);
  // These come back; then the client closes with 1000 and is answered with 1000.
  Script& answers(std::vector<Event> events);
  // The server fails the connection with `code`, behind these. Less than all of these, or an end
  // of TCP without a close frame, is non-strict.
  Script& fails(std::uint16_t code, const std::vector<Event>& before = {});
  // The script has a close frame; the server's has this code, behind these.
  Script& closes(std::uint16_t code, std::vector<Event> before = {});
  // The script has a close frame, so that the harness sends none.
  Script& says_goodbye();

  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  [[nodiscard]] const std::vector<Outcome>& outcomes() const { return outcomes_; }
  // True if the harness closes with 1000 once the events of the first outcome have come.
  [[nodiscard]] bool client_closes() const { return client_closes_; }
  [[nodiscard]] bool has_close_frame() const { return has_close_frame_; }
  // All that the client sends, a close of the harness's included.
  [[nodiscard]] std::string stream() const;

 private:
  std::vector<Step> steps_;
  std::vector<Outcome> outcomes_;
  bool client_closes_ = false;
  bool has_close_frame_ = false;
};

// The repeats of a case that measures, and so of its length.
struct Effort {
  std::size_t messages = 50;  // the suite has 1,000
};

struct Case {
  std::string id;           // "6.4.1"
  std::string description;  // one line, with the RFC's section
  std::function<Script(const Effort&)> script;
  bool heavy = false;  // megabytes

  [[nodiscard]] int section() const { return std::stoi(id); }
};

using Cases = std::vector<Case>;

// By section of the suite, in its order.
Cases framing_cases();        // 1
Cases ping_cases();           // 2
Cases reserved_cases();       // 3 and 4
Cases fragment_cases();       // 5
Cases utf8_cases();           // 6
Cases close_cases();          // 7
Cases limit_cases();          // 9
Cases auto_fragment_cases();  // 10
// All 301 of them.
const Cases& all_cases();
// nullptr if there is none.
const Case* find_case(std::string_view id);

// A message in frames of these payloads.
std::vector<std::string> fragments(Opcode opcode, const std::vector<std::string>& payloads);
std::string joined(const std::vector<std::string>& parts);
// The text in pieces of `octets`.
std::vector<std::string> cut(Bytes whole, std::size_t octets);

}  // namespace millrace::conformance

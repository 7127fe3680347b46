// What must hold of a request's head before a parser sees it, checked byte by byte as it comes.
//
// Beast is kind where a proxy in front of us may read the same bytes in another way, and two
// readings of one head are how requests are smuggled. So this refuses first: folded lines (RFC 9112
// section 5.2), bare CR or LF, control bytes, a space before a colon, a second Host or
// Content-Length, every Transfer-Encoding (501), and what is longer than the limits. It does not
// parse: the grammar of names, methods and versions stays Beast's.
//
// Invariant: a verdict depends on the bytes alone, never on how they were cut into reads. Each byte
// is looked at once, in order, and the first offence decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

struct HttpLimits {
  std::size_t head_bytes = 8 * 1024;  // request line and fields, line ends included
  std::size_t fields = 64;
  std::size_t target_bytes = 4 * 1024;
  std::size_t body_bytes = 1024 * 1024;
};

// Why a request is refused: the status to answer with, and a reason for people.
struct HttpRefusal {
  unsigned status = 400;
  std::string reason;
};

class HeadCheck {
 public:
  enum class Verdict : std::uint8_t { kNeedMore, kEnd, kRefused };

  // Goes on where the last call stopped. `bytes` begins with the request's first byte each time.
  // REQUIRES: no earlier call said kEnd or kRefused.
  Verdict scan(Bytes bytes, const HttpLimits& limits);

  // Where the request line begins (2 behind an empty line) and where the head ends. REQUIRES: kEnd.
  [[nodiscard]] std::size_t head_at() const { return head_at_; }
  [[nodiscard]] std::size_t head_end() const { return at_; }
  [[nodiscard]] bool has_host() const { return has_host_; }
  // At most limits.body_bytes.
  [[nodiscard]] std::size_t content_length() const { return content_length_.value_or(0); }
  [[nodiscard]] const HttpRefusal& refusal() const { return refusal_; }

 private:
  Verdict end_line(Bytes line, const HttpLimits& limits);
  Verdict check_request_line(Bytes line);
  Verdict check_field_line(Bytes line, const HttpLimits& limits);
  Verdict check_field(Bytes name, Bytes value, const HttpLimits& limits);
  Verdict check_content_length(Bytes value, const HttpLimits& limits);
  Verdict refuse(unsigned status, std::string reason);

  std::size_t at_ = 0;  // the next byte to look at
  std::size_t head_at_ = 0;
  std::size_t line_at_ = 0;
  std::size_t fields_ = 0;
  std::size_t target_bytes_ = 0;
  std::optional<std::size_t> content_length_;
  HttpRefusal refusal_;
  std::uint8_t request_line_spaces_ = 0;  // 0, 1, or 2 for more
  bool in_fields_ = false;
  bool after_cr_ = false;
  bool has_host_ = false;
};

// Compares as HTTP compares names and most tokens: ASCII letters without case.
[[nodiscard]] bool equals_ignoring_case(Bytes a, Bytes b);

// Without the spaces and tabs around it, which is all that HTTP calls optional white space.
[[nodiscard]] Bytes trim_white_space(Bytes text);

}  // namespace millrace

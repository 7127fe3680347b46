// HTTP/1.1 requests out of a byte stream: a head, and a bounded body where one is declared.
//
// Boost.Beast's parser reads the head over our buffer; nothing else of Beast is used. What it is
// too kind about is refused before it sees it (head_check.h): folded header lines (RFC 9112 section
// 5.2), bare CR or LF, NUL, Transfer-Encoding (501), two Content-Length or two Host fields, games
// with white space.
//
// It is not a connection: it owns the bytes of one request at a time and no socket. One exists for
// a connection only until its upgrade, or while it is plain HTTP. Owner: HttpConnection, on its
// shard.
//
// Limits (HttpLimits, in head_check.h) with their answers: head 431, fields 431, target 414, body
// 413. The buffer holds at most a head, a body and one feed().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/bytes.h"
#include "net/http/head_check.h"

namespace millrace {

struct HttpField {
  Bytes name;   // as sent; compare with field_is()
  Bytes value;  // without surrounding white space
};

// True if the field has that name; names compare without case.
[[nodiscard]] bool field_is(const HttpField& field, Bytes name);

// A parsed request. All views point into the parser's buffer and die with the next feed() or
// next(); only the path of an absolute target without one is a constant "/".
struct HttpRequest {
  Bytes method;
  Bytes target;           // as sent: path and query, or a whole URL (absolute form)
  Bytes path;             // the part before '?'; "*" or "host:port" for OPTIONS and CONNECT
  Bytes query;            // the part after, without '?'
  unsigned version = 11;  // 10 or 11
  std::vector<HttpField> fields;
  Bytes body;
  // RFC 9112 section 9.3. False for every HTTP/1.0 request: keeping those alive is a server's
  // choice, and would need an answer that says so.
  bool keep_alive = true;

  // The field's value if it is there exactly once; names compare without case.
  [[nodiscard]] std::optional<Bytes> field(Bytes name) const;
  [[nodiscard]] std::size_t count(Bytes name) const;
  // The elements of the comma-separated lists in all fields of that name; empty ones don't count.
  [[nodiscard]] std::vector<Bytes> list(Bytes name) const;
  // True if the comma-separated list in all fields of that name holds `token`, without case.
  [[nodiscard]] bool list_has(Bytes name, Bytes token) const;
  // The first value of a query parameter, percent-decoded and with '+' for a space, as browsers
  // encode forms; nullopt if absent or badly encoded.
  [[nodiscard]] std::optional<std::string> query_value(Bytes name) const;
};

class RequestParser {
 public:
  enum class State : std::uint8_t {
    kNeedMore,  // feed() again
    kComplete,  // request() is there; next() goes on with what followed it
    kRefused,   // refusal() says why; nothing more is read
  };

  // `limits` must outlive the parser.
  explicit RequestParser(const HttpLimits& limits) : limits_(limits) {}
  // Not moved: request() points into the buffer, and short strings move with their owner.
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes bytes; keeps at most one request and what follows it within the limits.
  // REQUIRES: state() is kNeedMore.
  State feed(Bytes bytes);
  // Drops the finished request and looks at what came behind it (pipelining).
  // REQUIRES: state() is kComplete.
  State next();

  [[nodiscard]] State state() const { return state_; }
  // REQUIRES: kComplete.
  [[nodiscard]] const HttpRequest& request() const {
    CHECK(state_ == State::kComplete);
    return request_;
  }
  // REQUIRES: kRefused.
  [[nodiscard]] const HttpRefusal& refusal() const {
    CHECK(state_ == State::kRefused);
    return refusal_;
  }
  // Bytes behind the finished request. REQUIRES: kComplete.
  [[nodiscard]] Bytes rest() const;
  // True once a first byte of a request is there.
  [[nodiscard]] bool started() const {
    return state_ == State::kRefused || buffer_.size() > begin_;
  }
  // What the buffer takes of the heap, for the limits' tests and for metrics.
  [[nodiscard]] std::size_t memory_bytes() const { return buffer_.capacity(); }

 private:
  State parse();
  State refuse(HttpRefusal refusal);

  const HttpLimits& limits_;
  State state_ = State::kNeedMore;
  bool head_done_ = false;
  std::string buffer_;
  std::size_t begin_ = 0;  // the request's first byte; what is before it is dropped with a feed()
  std::size_t request_bytes_ = 0;  // head and body, once head_done_
  HeadCheck head_;
  HttpRequest request_;
  HttpRefusal refusal_;
};

// A client that sends its head a byte at a time must stay cheap: with a short head this is all.
static_assert(sizeof(RequestParser) <= 512);

}  // namespace millrace

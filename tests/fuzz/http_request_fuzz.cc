// A byte stream through RequestParser and the upgrade decision.
//
// Whatever the cuts, the outcome is the same; what is accepted is read again by a plain model that
// knows no leniency (head_model.h); no 101 goes to what two readers could read in two ways.
#include <algorithm>
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "net/http/upgrade.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/head_model.h"

namespace millrace {
namespace {

using State = RequestParser::State;

const OriginPolicy& origins() {
  static const OriginPolicy policy{.allowed = {"https://a.example", "null"}};
  return policy;
}

std::string described(const HttpRequest& request) {
  std::string text = "request";
  for (const Bytes part : {request.method, request.target, request.path, request.query}) {
    text.append(" ").append(part);
  }
  text += " " + std::to_string(request.version) + (request.keep_alive ? " keep" : " close");
  for (const HttpField& field : request.fields) {
    text.append("\n").append(field.name).append(": ").append(field.value);
  }
  return text.append("\n\n").append(request.body);
}

void check_refusal(const HttpRefusal& refusal) {
  constexpr unsigned kStatuses[] = {400, 413, 414, 417, 431, 501, 505};
  CHECK(std::find(std::begin(kStatuses), std::end(kStatuses), refusal.status) !=
        std::end(kStatuses));
  CHECK(!refusal.reason.empty());
  CHECK_EQ(refusal.reason.find_first_of("\r\n"), std::string::npos);
}

// `head`: an answer to HEAD says how long GET's body is, and has none (RFC 9110 section 9.3.2).
void check_response(const UpgradeDecision& decision, bool head) {
  const Bytes response = decision.response;
  const std::size_t end = response.find("\r\n\r\n");
  CHECK_NE(end, Bytes::npos);
  CHECK(response.starts_with("HTTP/1.1 " + std::to_string(decision.status) + " "));
  CHECK(head_is_clean(response.substr(0, end + 4)));
  const Bytes body = response.substr(end + 4);
  if (decision.status == 101) {
    CHECK(body.empty());
    return;
  }
  CHECK(!decision.reason.empty());
  const std::size_t size = head ? decision.reason.size() + 1 : body.size();
  if (head) CHECK(body.empty());
  const std::string length = "\r\nContent-Length: " + std::to_string(size) + "\r\n";
  CHECK_NE(response.find(length), Bytes::npos);
  CHECK_NE(response.find("\r\nConnection: close"), Bytes::npos);
}

// What is decided about a request; `raw` are its bytes.
std::string decide(const HttpRequest& request, Bytes behind) {
  const UpgradeDecision alone = decide_upgrade(request, {}, origins());
  const bool head = request.method == "HEAD";
  check_response(alone, head);
  // Whoever sends on before the 101 is refused, if only for one byte.
  const UpgradeDecision crowded = decide_upgrade(request, behind.empty() ? "x" : behind, origins());
  check_response(crowded, head);
  CHECK_NE(crowded.status, 101U);
  static_cast<void>(request.query_value("format"));
  return alone.response;
}

class Reader {
 public:
  explicit Reader(const HttpLimits& limits) : limits_(limits), parser_(limits) {}

  // What was seen, a line or more each, and the last state.
  std::vector<std::string> read(Bytes stream, Cuts cuts) {
    const Bytes all = stream;
    while (!stream.empty() && parser_.state() == State::kNeedMore) {
      const std::string piece = cuts.next(stream);
      parser_.feed(piece);
      const std::size_t held = limits_.head_bytes + limits_.body_bytes + piece.size();
      CHECK_LE(parser_.memory_bytes(), 2 * held + sizeof(std::string));
      take_requests(all.substr(0, all.size() - stream.size()));
    }
    if (parser_.state() == State::kRefused) {
      check_refusal(parser_.refusal());
      seen_.push_back("refused " + std::to_string(parser_.refusal().status) + " " +
                      parser_.refusal().reason);
    } else {
      seen_.push_back(parser_.started() ? "begun" : "at rest");
    }
    return std::move(seen_);
  }

 private:
  void take_requests(Bytes fed) {
    while (parser_.state() == State::kComplete) {
      const HttpRequest& request = parser_.request();
      const std::size_t end = fed.size() - parser_.rest().size();
      const std::string answer = decide(request, parser_.rest());
      check_against_model(request, fed.substr(begin_, end - begin_), limits_);
      if (answer.starts_with("HTTP/1.1 101")) check_handshake(fed.substr(begin_, end - begin_));
      seen_.push_back(described(request) + "\n" + answer);
      begin_ = end;
      parser_.next();
    }
  }

  const HttpLimits& limits_;
  RequestParser parser_;
  std::vector<std::string> seen_;
  std::size_t begin_ = 0;  // of the next request in the stream
};

}  // namespace
}  // namespace millrace

// One byte for the limits, three for the cuts, then the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using millrace::HttpLimits;
  millrace::FuzzInput input(data, size);
  const HttpLimits limits =
      input.flag()
          ? HttpLimits{.head_bytes = 256, .fields = 8, .target_bytes = 32, .body_bytes = 16}
          : HttpLimits{};
  const millrace::Cuts cuts(input);
  const millrace::Bytes stream = input.rest();
  const auto whole = millrace::Reader(limits).read(stream, millrace::Cuts());
  CHECK(whole == millrace::Reader(limits).read(stream, cuts));
  return 0;
}

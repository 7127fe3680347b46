// Heads that a proxy and a server may read in two ways. For each: one verdict, whatever the cuts,
// and the bytes behind it are never read as a request.

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "net/http/request_parser.h"
#include "tests/unit/net/http/parser_run.h"

namespace millrace {
namespace {

const std::string kInner = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";

struct Case {
  unsigned status;
  std::string head;  // what the case is about; the inner request is put behind it
};

// Fields behind "POST / HTTP/1.1" and a Host.
const std::vector<Case> kFieldCases = {
    // Lengths that contradict, or that readers disagree on.
    {400, "Content-Length: 5\r\nContent-Length: 5\r\n"},
    {400, "Content-Length: 5\r\nContent-Length: 33\r\n"},
    {400, "Content-Length: 0\r\ncontent-length: 33\r\n"},
    {400, "Content-Length: 5, 5\r\n"},
    {400, "Content-Length: 5,33\r\n"},
    {400, "Content-Length: +5\r\n"},
    {400, "Content-Length: -5\r\n"},
    {400, "Content-Length: 0x5\r\n"},
    {400, "Content-Length: 5 5\r\n"},
    {400, "Content-Length: 5;\r\n"},
    {400, "Content-Length: '5'\r\n"},
    {400, "Content-Length:\r\n"},
    {400, "Content-Length: \xef\xbc\x95\r\n"},
    {413, "Content-Length: 18446744073709551621\r\n"},
    {413, "Content-Length: 99999999999\r\n"},
    // Fields whose name one reader repairs.
    {400, "Content-Length : 5\r\n"},
    {400, "Content-Length\t: 5\r\n"},
    {400, " Content-Length: 5\r\n"},
    {400, "\tContent-Length: 5\r\n"},
    {400, "Content Length: 5\r\n"},
    {400, "Content-Length 5\r\n"},
    {400, "Content-Length\x0b: 5\r\n"},
    {400, "Content-Length\x0c: 5\r\n"},
    {400,
     "\x0b"
     "Content-Length: 5\r\n"},
    {400, "Content-Length\x7f: 5\r\n"},
    {400, "Content-Length\xa0: 5\r\n"},
    {400, "\"Content-Length\": 5\r\n"},
    {400, "(x)Content-Length: 5\r\n"},
    {400, "Content-Length;x: 5\r\n"},
    {400, "Content-Length/: 5\r\n"},
    {400, "Content-Length=5\r\n"},
    {400, ": 5\r\n"},
    {400, "{}: 5\r\n"},
    {400, "@: 5\r\n"},
    // Transfer codings, well-formed and not.
    {501, "Transfer-Encoding: chunked\r\n"},
    {501, "transfer-encoding: CHUNKED\r\n"},
    {501, "Transfer-Encoding: identity\r\n"},
    {501, "Transfer-Encoding: xchunked\r\n"},
    {501, "Transfer-Encoding: chunked, identity\r\n"},
    {501, "Transfer-Encoding:\tchunked\r\n"},
    {501, "Transfer-Encoding: \"chunked\"\r\n"},
    {501, "Transfer-Encoding:\r\n"},
    {501, "Transfer-Encoding:\r\n chunked\r\n"},
    {501, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"},
    {501, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"},
    {501, "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"},
    {400, "Transfer-Encoding : chunked\r\n"},
    {400, " Transfer-Encoding: chunked\r\n"},
    {400, "Transfer-Encoding\x0b: chunked\r\n"},
    {400,
     "Transfer-Encoding: \x0b"
     "chunked\r\n"},
    {400, "X: y\nTransfer-Encoding: chunked\r\n"},
    {400, "X: y\rTransfer-Encoding: chunked\r\n"},
    // Folds.
    {400, "X: 1\r\n 2\r\n"},
    {400, "X: 1\r\n\t2\r\n"},
    {400, "X:\r\n 2\r\n"},
    {400, "X: 1\r\n \r\n"},
    {400, "X: 1\r\n Transfer-Encoding: chunked\r\n"},
    {400, "Content-Length: 5\r\n 0\r\n"},
    // Line ends.
    {400, "X: 1\n"},
    {400, "X: 1\r"},
    {400, "X: 1\r\r\n"},
    {400, "X: 1\n\n"},
    {400, "X: 1\r\n\n"},
    {400, "X: 1\n\r\n"},
    {400, "\n"},
    {400, "\r\r\n"},
    {400, "X: a\rb\r\n"},
    {400, "X: a\nb: c\r\n"},
    // Control bytes.
    {400, std::string("X: a\0b\r\n", 8)},
    {400, std::string("X\0: a\r\n", 7)},
    {400, "X: \x01\r\n"},
    {400, "X: \x08\r\n"},
    {400, "X: \x0b\r\n"},
    {400, "X: \x0c\r\n"},
    {400, "X: \x1b[2J\r\n"},
    {400, "X: \x1f\r\n"},
    {400, "X: \x7f\r\n"},
    // Hosts.
    {400, "Host: a\r\n"},
    {400, "host: b\r\n"},
    {400, "HOST:\r\n"},
    {400, "Host : b\r\n"},
    // Others.
    {400, "Connection: close, (\r\n"},
    {400, "Connection: \"\r\n"},
    {417, "Expect: 100-continue\r\n"},
    {417, "Expect: x\r\n"},
};

// Whole heads, up to where the inner request follows.
const std::vector<Case> kHeadCases = {
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
    {400, "GET /\r\nHost: a\r\n\r\n"},
    {400, "GET /\r\n\r\n"},
    {400, "GET\r\n\r\n"},
    {400, "GET / \r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
    {400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / x HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / http/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1x\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/01.1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1,1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTPS/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / ICY\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/9.9\r\nHost: a\r\n\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {400, "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "G\xc3\xa4T / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\x0b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n"},
    {400, "GET file:///etc HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET ../x HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "\n"},
    {400, "\r\n\r\n"},
    {400, "\r\r\n"},
    {400, "\r\n\n"},
    {400, " \r\n"},
    {400, ":\r\n\r\n"},
    {400, "\x16\x03\x01\x02"},
    {400, std::string("\0", 1)},
    {400, "\xff\xfe\r\n\r\n"},
};

std::vector<Case> all_cases() {
  std::vector<Case> cases = kHeadCases;
  for (const Case& one : kFieldCases) {
    const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
    cases.push_back({one.status, start + one.head + "\r\n"});
    cases.push_back({one.status, start + one.head + "X-Behind: 1\r\n\r\n"});
  }
  return cases;
}

TEST(RequestSmuggling, EachHeadIsRefusedAndNothingBehindItIsRead) {
  for (const Case& one : all_cases()) {
    SCOPED_TRACE(testing::PrintToString(one.head));
    const ParserRun run = run_every_split(one.head + kInner);
    EXPECT_EQ(run.refused, one.status) << run.reason;
    EXPECT_FALSE(run.reason.empty());
    EXPECT_TRUE(run.requests.empty());
  }
}

TEST(RequestSmuggling, TheSameBehindAGoodRequest) {
  for (const Case& one : all_cases()) {
    if (one.head == "\r\n\r\n") continue;
    SCOPED_TRACE(testing::PrintToString(one.head));
    const ParserRun run = run_parser({kInner + one.head + kInner});
    EXPECT_EQ(run.refused, one.status);
    EXPECT_EQ(run.requests.size(), 1U);
  }
}

TEST(RequestSmuggling, ABodyIsNeverReadAsARequest) {
  const std::string length = "Content-Length: " + std::to_string(kInner.size()) + "\r\n";
  for (const std::string method : {"POST", "GET", "HEAD", "CONNECT", "DELETE"}) {
    const std::string raw = method + " / HTTP/1.1\r\nHost: a\r\n" + length + "\r\n" + kInner +
                            "OPTIONS * HTTP/1.0\r\n\r\n";
    const ParserRun run = run_every_split(raw);
    ASSERT_EQ(run.requests.size(), 2U) << method;
    EXPECT_TRUE(run.requests[0].ends_with("|" + kInner)) << method;
    EXPECT_TRUE(run.requests[1].starts_with("OPTIONS|*|")) << method;
  }
}

// Names that only look like a length or a coding are fields like others, and frame nothing.
TEST(RequestSmuggling, LookalikesFrameNothing) {
  for (const std::string field :
       {"Content_Length: 33", "Content-Length-: 33", "XContent-Length: 33",
        "Transfer_Encoding: chunked", "X: Transfer-Encoding: chunked", "TE: chunked",
        "Trailer: Content-Length", "Content-Len: 33"}) {
    const ParserRun run =
        run_every_split("POST / HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n" + kInner);
    EXPECT_EQ(run.requests.size(), 2U) << field;
    EXPECT_EQ(run.refused, 0U) << field;
  }
}

// Invariant of head_check.h: the verdict depends on the bytes, not on how they were cut.
TEST(RequestSmuggling, NoCutChangesTheOutcomeOfBrokenStreams) {
  constexpr unsigned kSeed = 20240611;
  constexpr int kStreams = 20'000;
  const std::string good = "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nX: y\r\n\r\nbody";
  const std::string alphabet = "\r\n \t:,/?#*0159aHX\x7f\x80" + std::string(1, '\0');
  HttpLimits limits;
  limits.head_bytes = 90;
  limits.fields = 4;
  limits.target_bytes = 12;
  limits.body_bytes = 40;
  std::mt19937 random(kSeed);
  const auto below = [&random](std::size_t n) { return random() % n; };
  int refused = 0;
  for (int i = 0; i < kStreams; ++i) {
    std::string raw = good + good + good;
    for (std::size_t edits = below(5); edits > 0; --edits) {
      const std::size_t at = below(raw.size());
      const std::size_t kind = below(3);
      const char c = alphabet[below(alphabet.size())];
      if (kind == 0) raw[at] = c;
      if (kind == 1) raw.insert(at, 1 + below(8), c);
      if (kind == 2) raw.erase(at, 1 + below(3));
    }
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < raw.size();) {
      pieces.push_back(raw.substr(at, 1 + below(40)));
      at += pieces.back().size();
    }
    const ParserRun whole = run_parser({raw}, limits);
    ASSERT_EQ(whole, run_parser(pieces, limits)) << "stream " << i << testing::PrintToString(raw);
    refused += whole.refused != 0 ? 1 : 0;
  }
  EXPECT_GT(refused, kStreams / 4) << "the edits break too little to prove anything";
  EXPECT_LT(refused, kStreams) << "the edits break everything";
}

}  // namespace
}  // namespace millrace

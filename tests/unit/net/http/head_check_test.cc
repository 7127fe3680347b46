#include "net/http/head_check.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "net/http/request_parser.h"
#include "tests/unit/net/http/parser_run.h"
#include "tests/unit/net/http/smuggling_cases.h"

namespace millrace {
namespace {

using Verdict = HeadCheck::Verdict;

TEST(HeadCheck, SaysWhatItLearned) {
  const HttpLimits limits;
  HeadCheck check;
  const std::string head = "\r\nPOST / HTTP/1.1\r\nhost: a\r\nCONTENT-LENGTH: \t0042 \r\n\r\n";
  ASSERT_EQ(check.scan(head + "body", limits), Verdict::kEnd);
  EXPECT_EQ(check.head_at(), 2U);
  EXPECT_EQ(check.head_end(), head.size());
  EXPECT_EQ(check.content_length(), 42U);
  EXPECT_TRUE(check.has_host());
}

TEST(HeadCheck, GoesOnWhereItStopped) {
  const HttpLimits limits;
  HeadCheck check;
  const std::string head = "GET / HTTP/1.1\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size) {
    ASSERT_EQ(check.scan(Bytes(head).substr(0, size), limits), Verdict::kNeedMore) << size;
  }
  EXPECT_EQ(check.scan(head, limits), Verdict::kEnd);
  EXPECT_EQ(check.head_at(), 0U);
  EXPECT_EQ(check.content_length(), 0U);
  EXPECT_FALSE(check.has_host());
}

TEST(HeadCheck, KnowsAnOffenceAtItsByte) {
  const struct {
    const char* bytes;
    unsigned status;
  } cases[] = {
      {"\n", 400},
      {"\r\n\r\n", 400},
      {"GET / HTTP/1.1\n", 400},
      {"GET / HTTP/1.1\rX", 400},
      {"GET / HTTP/1.1\r\r", 400},
      {"GET / HTTP/2.0\r\n", 505},
      {"PRI * HTTP/2.0\r\n", 505},
      {"GET / HTTP/1.2\r\n", 505},
      {"GET / HTTP/0.9\r\n", 505},
      {"GET / HTTP/1.1\r\n X: 1\r\n", 400},
      {"GET / HTTP/1.1\r\nX: 1\r\n\t2\r\n", 400},
      {"GET / HTTP/1.1\r\nX: 1\r\n \r\n", 400},
      {"GET / HTTP/1.1\r\nX\r\n", 400},
      {"GET / HTTP/1.1\r\n: 1\r\n", 400},
      {"GET / HTTP/1.1\r\nX : 1\r\n", 400},
      {"GET / HTTP/1.1\r\nX\t: 1\r\n", 400},
      {"GET / HTTP/1.1\r\nX: \x01", 400},
      {"GET / HTTP/1.1\r\nX: \x7f", 400},
      {"\x16", 400},
      {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", 501},
      {"GET / HTTP/1.1\r\ntransfer-encoding:\r\n", 501},
      {"GET / HTTP/1.1\r\nContent-Length: 1048577\r\n", 413},
      {"GET / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n", 413},
      {"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400},
  };
  const HttpLimits limits;
  for (const auto& one : cases) {
    SCOPED_TRACE(one.bytes);
    const Bytes bytes = one.bytes;
    HeadCheck early;
    EXPECT_EQ(early.scan(bytes.substr(0, bytes.size() - 1), limits), Verdict::kNeedMore);
    EXPECT_EQ(early.scan(bytes, limits), Verdict::kRefused);
    EXPECT_EQ(early.refusal().status, one.status);
    EXPECT_FALSE(early.refusal().reason.empty());
  }
}

TEST(HeadCheck, ANulIsRefusedAnywhere) {
  const std::string head = "GET /p HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  const HttpLimits limits;
  for (std::size_t at = 0; at < head.size(); ++at) {
    std::string bytes = head;
    bytes[at] = '\0';
    HeadCheck check;
    ASSERT_EQ(check.scan(bytes, limits), Verdict::kRefused) << at;
    EXPECT_EQ(check.refusal().status, 400U) << at;
  }
}

TEST(HeadCheck, HostValues) {
  const auto allows = [](const std::string& host) {
    HeadCheck check;
    return check.scan("GET / HTTP/1.1\r\nHost:" + host + "\r\n\r\n", HttpLimits()) == Verdict::kEnd;
  };
  for (const char* good : {"", "a", " a.test ", "A-1.test:8000", "127.0.0.1:", "[::1]", "[::1]:80",
                           "[fe80::1.2.3.4]", "x_y", "a%20b"}) {
    EXPECT_TRUE(allows(good)) << good;
  }
  for (const char* bad :
       {"a b", "a,b", "a, b", "u@a", "a/b", "http://a", "a:80:80", "a:8x", "[::1", "[]", "[::1]x",
        "[a/b]", "a#b", "a?b", "a\\b", "a\"", "\xc3\xa4", "::1"}) {
    EXPECT_FALSE(allows(bad)) << bad;
  }
}

TEST(HeadCheck, ContentLengthValues) {
  const auto status = [](const std::string& value) {
    HeadCheck check;
    const std::string head = "GET / HTTP/1.1\r\nContent-Length:" + value + "\r\n\r\n";
    return check.scan(head, HttpLimits()) == Verdict::kEnd ? 0U : check.refusal().status;
  };
  for (const char* good : {"0", " 1 ", "1048576", "00000000000000000000000000001"}) {
    EXPECT_EQ(status(good), 0U) << good;
  }
  for (const char* bad : {"", " ", "+1", "-1", "-0", "1,1", "1, 1", "1 1", "0x1", "1.0", "1e3",
                          "1;", "\"1\"", "\xd9\xa1", "1_0", "a"}) {
    EXPECT_EQ(status(bad), 400U) << bad;
  }
  for (const char* large :
       {"1048577", "4294967296", "18446744073709551615", "18446744073709551616",
        "18446744073709551617", "99999999999999999999999999999999999999999999"}) {
    EXPECT_EQ(status(large), 413U) << large;
  }
}

TEST(HeadCheck, TextHelpers) {
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_TRUE(equals_ignoring_case("aZ-09[", "Az-09["));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));  // 0x20 apart, but no letters
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("\xc4", "\xe4"));
  EXPECT_EQ(trim_white_space(" \t a b\t "), "a b");
  EXPECT_EQ(trim_white_space(" \t "), "");
  EXPECT_EQ(trim_white_space("\va"), "\va");
}

// What the head hides, if it is read wrongly.
const std::string kInner = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(RequestSmuggling, EachHeadIsRefusedAndNothingBehindItIsRead) {
  EXPECT_GE(smuggling_cases().size(), 150U);
  for (const SmugglingCase& one : smuggling_cases()) {
    SCOPED_TRACE(testing::PrintToString(one.head));
    const ParserRun run = run_every_split(one.head + kInner);
    EXPECT_EQ(run.refused, one.status) << run.reason;
    EXPECT_FALSE(run.reason.empty());
    EXPECT_TRUE(run.requests.empty());
  }
}

TEST(RequestSmuggling, TheSameBehindAGoodRequest) {
  for (const SmugglingCase& one : smuggling_cases()) {
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

TEST(HeadCheckDeathTest, BytesDontShrink) {
  const HttpLimits limits;
  HeadCheck check;
  check.scan("GET /", limits);
  EXPECT_DEATH(check.scan("GET", limits), "CHECK");
}

}  // namespace
}  // namespace millrace

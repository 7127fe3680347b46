#include "net/http/request_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/net/http/parser_run.h"

namespace millrace {
namespace {

using State = RequestParser::State;

const std::string kPlain =
    "GET /stats?pretty=1 HTTP/1.1\r\nHost: a.test:8000\r\nX-Two:\t two \r\n\r\n";

std::string post(const std::string& body) {
  return "POST /api/publish HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

TEST(RequestParser, ReadsAllPartsOfARequest) {
  const HttpLimits limits;
  RequestParser parser(limits);
  EXPECT_FALSE(parser.started());
  ASSERT_EQ(parser.feed(kPlain), State::kComplete);
  const HttpRequest& request = parser.request();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/stats?pretty=1");
  EXPECT_EQ(request.path, "/stats");
  EXPECT_EQ(request.query, "pretty=1");
  EXPECT_EQ(request.version, 11U);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_EQ(request.body, "");
  ASSERT_EQ(request.fields.size(), 2U);
  EXPECT_EQ(request.fields[1].name, "X-Two");
  EXPECT_EQ(request.fields[1].value, "two");
  EXPECT_TRUE(field_is(request.fields[1], "x-two"));
  EXPECT_FALSE(field_is(request.fields[1], "x-tw"));
  EXPECT_EQ(parser.rest(), "");
}

TEST(RequestParser, NoCutChangesTheOutcome) {
  const std::string body = post("{\"a\":\r\n\r\n1}");
  const std::vector<std::string> streams = {kPlain,
                                            body,
                                            kPlain + body + kPlain,
                                            "\r\n" + kPlain,
                                            body + "\r\n" + kPlain,
                                            kPlain + "GET / HTTP/3.0\r\n\r\n",
                                            body + "x y z\r\n",
                                            kPlain + "GE"};
  for (const std::string& raw : streams) {
    SCOPED_TRACE(raw);
    run_every_split(raw);
  }
  EXPECT_EQ(run_parser({kPlain + body + kPlain}).requests.size(), 3U);
  EXPECT_TRUE(run_parser({kPlain + "GE"}).started);
  EXPECT_FALSE(run_parser({kPlain}).started);
}

TEST(RequestParser, ViewsHoldWhenTheBodyMovedTheBuffer) {
  const HttpLimits limits;
  RequestParser parser(limits);
  const std::string body(300'000, 'b');
  const std::string raw = post(body);
  for (std::size_t at = 0; at < raw.size(); at += 1'000) {
    ASSERT_EQ(parser.state(), State::kNeedMore);
    parser.feed(Bytes(raw).substr(at, 1'000));
  }
  ASSERT_EQ(parser.state(), State::kComplete);
  EXPECT_EQ(parser.request().path, "/api/publish");
  EXPECT_EQ(parser.request().field("content-length"), "300000");
  EXPECT_EQ(parser.request().body, body);
}

TEST(RequestParser, PipelinedRequestsComeOneByOne) {
  const HttpLimits limits;
  RequestParser parser(limits);
  ASSERT_EQ(parser.feed(post("first") + post("") + kPlain + "GET /half"), State::kComplete);
  EXPECT_EQ(parser.request().body, "first");
  EXPECT_TRUE(parser.rest().starts_with("POST /api"));
  ASSERT_EQ(parser.next(), State::kComplete);
  EXPECT_EQ(parser.request().body, "");
  ASSERT_EQ(parser.next(), State::kComplete);
  EXPECT_EQ(parser.request().path, "/stats");
  EXPECT_EQ(parser.rest(), "GET /half");
  ASSERT_EQ(parser.next(), State::kNeedMore);
  EXPECT_TRUE(parser.started());
  ASSERT_EQ(parser.feed("-way HTTP/1.0\r\n\r\n"), State::kComplete);
  EXPECT_EQ(parser.request().path, "/half-way");
  ASSERT_EQ(parser.next(), State::kNeedMore);
  EXPECT_FALSE(parser.started());
}

TEST(RequestParser, ManyPipelinedRequestsInOneFeed) {
  std::string raw;
  for (int i = 0; i < 5'000; ++i)
    raw += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  const ParserRun run = run_parser({raw});
  ASSERT_EQ(run.requests.size(), 5'000U);
  EXPECT_TRUE(run.requests[4'999].starts_with("GET|/4999|"));
}

TEST(RequestParser, RefusalOfAPipelinedRequestComesInItsTurn) {
  const ParserRun run = run_parser({kPlain + "GET / HTTP/1.1\r\n\r\n" + kPlain});
  EXPECT_EQ(run.requests.size(), 1U);
  EXPECT_EQ(run.refused, 400U);
}

// The whole head in `bytes` bytes.
std::string head_of(std::size_t bytes) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
}

TEST(RequestParser, HeadLimit) {
  HttpLimits limits;
  limits.head_bytes = 300;
  EXPECT_EQ(run_every_split(head_of(299), limits).requests.size(), 1U);
  EXPECT_EQ(run_every_split(head_of(300), limits).requests.size(), 1U);
  EXPECT_EQ(run_every_split(head_of(301), limits).refused, 431U);
  // Of an endless head it is known with the limit's last byte.
  EXPECT_EQ(run_parser({head_of(400).substr(0, 299)}, limits).refused, 0U);
  EXPECT_EQ(run_parser({head_of(400).substr(0, 300)}, limits).refused, 431U);
  // The body doesn't count, and neither does what was pipelined before.
  EXPECT_EQ(run_parser({post(std::string(1'000, 'b'))}, limits).requests.size(), 1U);
  EXPECT_EQ(run_parser({head_of(300) + head_of(300)}, limits).requests.size(), 2U);

  EXPECT_EQ(run_parser({head_of(8 * 1024)}).requests.size(), 1U);
  EXPECT_EQ(run_parser({head_of(8 * 1024 + 1)}).refused, 431U);
}

TEST(RequestParser, FieldLimit) {
  for (const std::size_t fields : {63U, 64U, 65U}) {
    std::string raw = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < fields; ++i) raw += "X: 1\r\n";
    const ParserRun run = run_every_split(raw + "\r\n");
    EXPECT_EQ(run.refused, fields <= 64 ? 0U : 431U) << fields;
    EXPECT_EQ(run.requests.size(), fields <= 64 ? 1U : 0U) << fields;
  }
}

TEST(RequestParser, TargetLimit) {
  HttpLimits limits;
  limits.target_bytes = 50;
  for (const std::size_t bytes : {49U, 50U, 51U}) {
    const std::string raw = "GET /" + std::string(bytes - 1, 't') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(run_every_split(raw, limits).refused, bytes <= 50 ? 0U : 414U) << bytes;
  }
  EXPECT_EQ(run_parser({"GET /" + std::string(4'095, 't')}).refused, 0U);
  EXPECT_EQ(run_parser({"GET /" + std::string(4'096, 't')}).refused, 414U);
  // What is wrong behind the limit was never looked at.
  EXPECT_EQ(run_every_split("GET /" + std::string(50, 't') + "\n\n", limits).refused, 414U);
}

TEST(RequestParser, BodyLimit) {
  HttpLimits limits;
  limits.body_bytes = 100;
  for (const std::size_t bytes : {99U, 100U, 101U}) {
    const ParserRun run = run_every_split(post(std::string(bytes, 'b')), limits);
    EXPECT_EQ(run.refused, bytes <= 100 ? 0U : 413U) << bytes;
    EXPECT_EQ(run.requests.size(), bytes <= 100 ? 1U : 0U) << bytes;
  }
  limits.body_bytes = 0;
  EXPECT_EQ(run_parser({post("")}, limits).refused, 0U);
  EXPECT_EQ(run_parser({post("b")}, limits).refused, 413U);
  limits.body_bytes = 9;
  EXPECT_EQ(run_parser({post("123456789")}, limits).refused, 0U);
  EXPECT_EQ(run_parser({post("1234567890")}, limits).refused, 413U);
  EXPECT_EQ(run_parser({post(std::string(1024 * 1024, 'b'))}).requests.size(), 1U);
  EXPECT_EQ(run_parser({post(std::string(1024 * 1024 + 1, 'b'))}).refused, 413U);
}

TEST(RequestParser, TheBufferStaysBounded) {
  constexpr std::size_t kFeedBytes = 4'096;
  const HttpLimits limits;
  // std::string doubles, so the room is up to twice of what is in it.
  const std::size_t most = 2 * (limits.head_bytes + limits.body_bytes + kFeedBytes);
  for (const std::string& start : {std::string(), post(std::string(1024 * 1024, 'b'))}) {
    for (const char garbage : {'x', ' ', ':', '\r', '\n', '\0', '\xff'}) {
      const std::string raw = start + std::string(1024 * 1024, garbage);
      RequestParser parser(limits);
      std::size_t fed = 0;
      while (parser.state() != State::kRefused && fed < raw.size()) {
        parser.feed(Bytes(raw).substr(fed, kFeedBytes));
        fed += kFeedBytes;
        ASSERT_LE(parser.memory_bytes(), most);
        while (parser.state() == State::kComplete) parser.next();
      }
      EXPECT_EQ(parser.state(), State::kRefused);
      EXPECT_LE(fed, start.size() + limits.head_bytes + 2 * kFeedBytes);
      EXPECT_LT(parser.memory_bytes(), 64U) << "a refused request keeps no bytes";
      EXPECT_TRUE(parser.started());
    }
  }
}

TEST(RequestParser, ALargeBodyLeavesNoRoomBehind) {
  const HttpLimits limits;
  RequestParser parser(limits);
  ASSERT_EQ(parser.feed(post(std::string(500'000, 'b'))), State::kComplete);
  parser.next();
  EXPECT_LT(parser.memory_bytes(), 64U);
  ASSERT_EQ(parser.feed(post(std::string(500'000, 'b')) + "GET"), State::kComplete);
  parser.next();
  parser.feed(" ");
  EXPECT_LT(parser.memory_bytes(), 64U);
}

TEST(RequestParser, ADeclaredLengthTakesNoRoomBeforeItsBytes) {
  const HttpLimits limits;
  RequestParser parser(limits);
  EXPECT_EQ(parser.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"),
            State::kNeedMore);
  EXPECT_LT(parser.memory_bytes(), 1'000U);
}

TEST(RequestParser, KeepAlive) {
  const auto keeps = [](const std::string& version, const std::string& field) {
    const std::string text =
        run_parser({"GET / " + version + "\r\nHost: a\r\n" + field + "\r\n"}).requests.at(0);
    return text.find("|keep|") != std::string::npos;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_TRUE(keeps("HTTP/1.1", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: keep-alive\r\nConnection: x, CLOSE\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_FALSE(keeps("HTTP/1.0", "Connection: keep-alive\r\n"));
}

TEST(RequestParser, TargetForms) {
  const auto path_of = [](const std::string& line, const std::string& host) {
    const ParserRun run = run_every_split(line + "\r\n" + host + "\r\n");
    return run.refused != 0 ? std::to_string(run.refused) : run.requests.at(0);
  };
  const std::string host = "Host: a.test\r\n";
  EXPECT_TRUE(path_of("GET http://a.test/p?q=1 HTTP/1.1", host)
                  .starts_with("GET|http://a.test/p?q=1|/p|q=1|"));
  EXPECT_TRUE(path_of("GET WSS://A.TEST HTTP/1.1", host).starts_with("GET|WSS://A.TEST|/||"));
  EXPECT_TRUE(path_of("GET ws://a.test?q HTTP/1.1", host).starts_with("GET|ws://a.test?q|/|q|"));
  EXPECT_TRUE(path_of("GET http://a.test/p HTTP/1.0", "").starts_with("GET|http://a.test/p|/p||"));
  EXPECT_TRUE(path_of("OPTIONS * HTTP/1.1", host).starts_with("OPTIONS|*|*||"));
  EXPECT_TRUE(path_of("CONNECT b:443 HTTP/1.1", host).starts_with("CONNECT|b:443|b:443||"));
  EXPECT_TRUE(path_of("GET //b/c?d?e HTTP/1.1", host).starts_with("GET|//b/c?d?e|//b/c|d?e|"));
  EXPECT_TRUE(path_of("BREW /%zz HTTP/1.1", host).starts_with("BREW|/%zz|/%zz||"));
  // No Host is there to differ from the target's, so it is the user information that is refused.
  EXPECT_EQ(path_of("GET http://u@a.test/p HTTP/1.0", ""), "400");
  for (const char* target :
       {"*", "p", "a.test/p", "http:/a.test/p", "http://", "http:///p", "http://u@a.test/p",
        "http://u:p@a.test/p", "ftp://a.test/p", "http://b.test/p", "http://a.test:80/p", "/p#f",
        "http://a.test/#", "/\x80", "/\xc3\xa4", "http://a.test#"}) {
    EXPECT_EQ(path_of("GET " + std::string(target) + " HTTP/1.1", host), "400") << target;
  }
}

TEST(RequestParser, Expect) {
  const std::string body = "Content-Length: 1\r\n\r\nb";
  const std::string expect = "Expect: 100-continue\r\n";
  EXPECT_EQ(run_every_split("POST / HTTP/1.1\r\nHost: a\r\n" + expect + body).refused, 417U);
  EXPECT_EQ(run_every_split("POST / HTTP/1.0\r\n" + expect + body).requests.size(), 1U);
}

TEST(HttpRequest, FieldsAndLists) {
  const HttpLimits limits;
  RequestParser parser(limits);
  ASSERT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: a\r\nOnce: 1\r\ntwice: 1\r\nTWICE: 2\r\nNone:\r\n"
                        "List: a,, b\t, c d\r\nlist: ,E,\r\n\r\n"),
            State::kComplete);
  const HttpRequest& request = parser.request();
  EXPECT_EQ(request.field("ONCE"), "1");
  EXPECT_EQ(request.field("none"), "");
  EXPECT_EQ(request.field("Twice"), std::nullopt);
  EXPECT_EQ(request.field("absent"), std::nullopt);
  EXPECT_EQ(request.count("Twice"), 2U);
  EXPECT_EQ(request.count("absent"), 0U);
  EXPECT_EQ(request.list("list"), (std::vector<Bytes>{"a", "b", "c d", "E"}));
  EXPECT_TRUE(request.list_has("LIST", "e"));
  EXPECT_TRUE(request.list_has("list", "B"));
  EXPECT_FALSE(request.list_has("list", "c"));
  EXPECT_FALSE(request.list_has("list", ""));
  EXPECT_FALSE(request.list_has("none", ""));
}

TEST(HttpRequest, QueryValues) {
  HttpRequest request;
  request.query = "a=1&b=x%20y+z&a=2&c&%64=%3d%3D=&=v&e=%4&f=%zz&g=%&&h=%00&f=ok&%zz=1";
  EXPECT_EQ(request.query_value("a"), "1");
  EXPECT_EQ(request.query_value("b"), "x y z");
  EXPECT_EQ(request.query_value("c"), "");
  EXPECT_EQ(request.query_value("d"), "===");
  EXPECT_EQ(request.query_value(""), "v");
  EXPECT_EQ(request.query_value("e"), std::nullopt);
  EXPECT_EQ(request.query_value("f"), std::nullopt);
  EXPECT_EQ(request.query_value("g"), std::nullopt);
  EXPECT_EQ(request.query_value("h"), std::string(1, '\0'));
  EXPECT_EQ(request.query_value("A"), std::nullopt);
  // At the very end, where one digit or none is left to read.
  request.query = "a=%";
  EXPECT_EQ(request.query_value("a"), std::nullopt);
  request.query = "a=%4";
  EXPECT_EQ(request.query_value("a"), std::nullopt);
  // The view ends there, and the digits behind it are not the query's.
  request.query = Bytes("a=%41").substr(0, 4);
  EXPECT_EQ(request.query_value("a"), std::nullopt);
  request.query = Bytes("a=%41").substr(0, 5);
  EXPECT_EQ(request.query_value("a"), "A");
  request.query = "";
  EXPECT_EQ(request.query_value("a"), std::nullopt);
  EXPECT_EQ(request.query_value(""), std::nullopt);
}

TEST(RequestParserDeathTest, MisuseIsCaught) {
  const HttpLimits limits;
  RequestParser parser(limits);
  EXPECT_DEATH(parser.next(), "CHECK");
  EXPECT_DEATH(static_cast<void>(parser.request()), "CHECK");
  EXPECT_DEATH(static_cast<void>(parser.refusal()), "CHECK");
  parser.feed(kPlain);
  EXPECT_DEATH(parser.feed("x"), "CHECK");
}

}  // namespace
}  // namespace millrace

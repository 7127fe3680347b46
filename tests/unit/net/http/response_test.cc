#include "net/http/response.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

HttpResponse with_body(unsigned status, const std::string& body) {
  HttpResponse response;
  response.status = status;
  response.body = body;
  return response;
}

TEST(Response, KeepsTheConnectionOrClosesIt) {
  EXPECT_EQ(serialize(with_body(200, "ok\n"), true),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 3\r\n\r\nok\n");
  EXPECT_EQ(serialize(with_body(404, "no\n"), false),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 3\r\nConnection: close\r\n\r\nno\n");
}

TEST(Response, EveryStatusHasItsPhrase) {
  const std::pair<unsigned, const char*> phrases[] = {{204, "No Content"},
                                                      {401, "Unauthorized"},
                                                      {413, "Content Too Large"},
                                                      {415, "Unsupported Media Type"},
                                                      {426, "Upgrade Required"},
                                                      {429, "Too Many Requests"},
                                                      {431, "Request Header Fields Too Large"},
                                                      {500, "Internal Server Error"},
                                                      {501, "Not Implemented"},
                                                      {503, "Service Unavailable"},
                                                      {504, "Gateway Timeout"}};
  for (const auto& [status, phrase] : phrases) {
    const std::string line = "HTTP/1.1 " + std::to_string(status) + " " + phrase + "\r\n";
    EXPECT_TRUE(serialize(with_body(status, ""), true).starts_with(line)) << line;
  }
}

TEST(Response, HeadHasTheLengthWithoutTheBody) {
  EXPECT_EQ(serialize(with_body(200, "four"), true, true),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 4\r\n\r\n");
}

TEST(Response, AnEmptyBodyHasItsLengthToo) {
  HttpResponse response = with_body(200, "");
  response.content_type = "";
  EXPECT_EQ(serialize(response, true), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(Response, SomeStatusesCarryNoBody) {
  EXPECT_EQ(serialize(with_body(204, "lost"), true), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(serialize(with_body(304, "lost"), false),
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
}

TEST(Response, FurtherFieldsAndBodiesOfAnyBytes) {
  HttpResponse response = with_body(503, std::string("a\0\r\n\r\nb", 7));
  response.content_type = "application/json";
  response.fields = {{"Retry-After", "5"}, {"X-Empty", ""}};
  EXPECT_EQ(serialize(response, true),
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nX-Empty: \r\n"
            "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n" +
                response.body);
}

TEST(Response, AnUpgradeFieldIsNamedInConnection) {
  HttpResponse response = with_body(426, "");
  response.fields = {{"Upgrade", "websocket"}};
  EXPECT_NE(serialize(response, false).find("\r\nConnection: close, Upgrade\r\n"),
            std::string::npos);
  EXPECT_NE(serialize(response, true).find("\r\nConnection: Upgrade\r\n"), std::string::npos);
}

TEST(Response, Phrases) {
  EXPECT_EQ(status_phrase(101), "Switching Protocols");
  EXPECT_EQ(status_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(status_phrase(418), "Unknown");
  EXPECT_EQ(status_phrase(0), "Unknown");
  // Each status that we answer with has a phrase of its own.
  for (const unsigned status :
       {400U, 403U, 405U, 408U, 413U, 414U, 417U, 426U, 429U, 431U, 500U, 501U, 503U, 505U}) {
    EXPECT_NE(status_phrase(status), "Unknown") << status;
  }
}

TEST(ResponseDeathTest, NothingIsInjectedIntoTheHead) {
  for (const char* bad : {"a\r\nSet-Cookie: b", "a\nb", "a\rb", "\r\n\r\n"}) {
    HttpResponse response;
    response.fields = {{"X", bad}};
    EXPECT_DEATH(serialize(response, true), "CHECK") << bad;
    response.fields = {{bad, "x"}};
    EXPECT_DEATH(serialize(response, true), "CHECK") << bad;
    response.fields.clear();
    response.content_type = bad;
    EXPECT_DEATH(serialize(response, true), "CHECK") << bad;
  }
  HttpResponse response;
  response.fields = {{"X", std::string("a\0b", 3)}};
  EXPECT_DEATH(serialize(response, true), "CHECK");
}

TEST(ResponseDeathTest, NothingContradictsTheFrame) {
  for (const char* name :
       {"content-length", "Transfer-Encoding", "Connection", "CONTENT-TYPE", "", "a b", "a:"}) {
    HttpResponse response;
    response.fields = {{name, "1"}};
    EXPECT_DEATH(serialize(response, true), "CHECK") << name;
  }
  EXPECT_DEATH(serialize(with_body(101, ""), true), "CHECK");
  EXPECT_DEATH(serialize(with_body(600, ""), true), "CHECK");
}

}  // namespace
}  // namespace millrace

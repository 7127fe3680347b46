#include "bench/load/client_text.h"

#include <gtest/gtest.h>

#include <string>

#include "net/ws/client_header.h"

namespace millrace::load {
namespace {

// What we write, as the server's own header reader sees it.
TEST(ClientText, FramesAreThoseOfAClient) {
  for (const std::size_t size : {0U, 2U, 125U, 126U, 65'535U, 65'536U}) {
    const std::string payload(size, 'p');
    const SharedBytes frame = client_frame(Opcode::kText, payload);
    Bytes bytes = frame.view();
    ClientHeader header;
    ASSERT_TRUE(header.read(bytes));
    EXPECT_EQ(header.refusal(), "");
    EXPECT_EQ(header.length(), size);
    EXPECT_TRUE(header.fin());
    EXPECT_EQ(bytes, payload);  // the key is 0
  }
}

TEST(ClientText, ACloseFrameHasItsCode) {
  EXPECT_EQ(client_close_frame(1000).view(), Bytes("\x88\x82\0\0\0\0\x03\xe8", 8));
}

TEST(ClientText, CommandsAreThoseOfTheProtocol) {
  std::string text;
  append_connect(text, "");
  EXPECT_EQ(text, R"({"id":1,"connect":{}})");
  text.clear();
  append_connect(text, "abc");
  EXPECT_EQ(text, R"({"id":1,"connect":{"token":"abc"}})");
  text.clear();
  append_subscribe(text, 2, "news");
  EXPECT_EQ(text, R"({"id":2,"subscribe":{"channel":"news"}})");
  text.clear();
  append_publish(text, 1'000, "news", R"({"a":1})");
  EXPECT_EQ(text, R"({"id":1000,"publish":{"channel":"news","data":{"a":1}}})");
}

TEST(ClientText, LinesAreToldApart) {
  using Kind = ServerLine::Kind;
  EXPECT_EQ(read_line("{}").kind, Kind::kPing);
  const ServerLine reply = read_line(R"({"id":12,"subscribe":{}})");
  EXPECT_EQ(reply.kind, Kind::kReply);
  EXPECT_EQ(reply.id, 12U);
  EXPECT_EQ(reply.error, 0U);
  const ServerLine error = read_line(R"({"id":2,"error":{"code":103,"message":"no"}})");
  EXPECT_EQ(error.error, 103U);
  const ServerLine push =
      read_line(R"({"push":{"channel":"room:1","pub":{"data":{"seq":1},"offset":5}}})");
  EXPECT_EQ(push.kind, Kind::kPublication);
  EXPECT_EQ(push.channel, "room:1");
  EXPECT_NE(push.rest.find(R"("seq":1)"), Bytes::npos);
  EXPECT_EQ(read_line(R"({"push":{"channel":"a","unsubscribe":{"code":2500}}})").kind,
            Kind::kUnsubscribe);
  for (const char* other : {"", "x", R"({"push":{"channel":"a","join":{}}})", R"({"push":{)",
                            R"({"push":{"channel":"a)"}) {
    EXPECT_EQ(read_line(other).kind, Kind::kOther) << other;
  }
}

}  // namespace
}  // namespace millrace::load

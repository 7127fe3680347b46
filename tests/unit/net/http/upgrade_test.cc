#include "net/http/upgrade.h"

#include <gtest/gtest.h>

#include <string>

#include "net/http/response.h"
#include "tests/support/upgrade_cases.h"
#include "tests/unit/net/http/handshake.h"

namespace millrace {
namespace {

using H = Handshake;

void expect_all(const std::vector<UpgradeCase>& cases) {
  for (const UpgradeCase& one : cases) {
    const std::string raw = one.handshake.raw();
    SCOPED_TRACE(raw);
    const UpgradeDecision decision = answer(raw);
    EXPECT_EQ(decision.status, one.status) << decision.reason;
    EXPECT_EQ(decision.reason.empty(), one.status == 101);
  }
}

TEST(WebsocketAccept, VectorOfTheRfc) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Upgrade, The101HasExactlyItsLines) {
  const UpgradeDecision decision = answer(H().raw());
  EXPECT_EQ(decision.status, 101U);
  EXPECT_EQ(decision.response,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  EXPECT_EQ(answer(H().add("Sec-WebSocket-Protocol: centrifuge-json").raw()).response,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: centrifuge-json\r\n\r\n");
}

TEST(Upgrade, RefusalsAreWholeResponsesThatClose) {
  const auto tail = [](unsigned status, const std::string& fields, const std::string& reason) {
    return "HTTP/1.1 " + std::to_string(status) + " " + std::string(status_phrase(status)) +
           "\r\n" + fields + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: " +
           std::to_string(reason.size() + 1) + "\r\n";
  };
  const UpgradeDecision version = answer(H().set("Sec-WebSocket-Version", "8").raw());
  EXPECT_EQ(version.response,
            tail(426, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", version.reason) +
                "Connection: close, Upgrade\r\n\r\n" + version.reason + "\n");
  const UpgradeDecision method = answer(H().ask("POST / HTTP/1.1").raw());
  EXPECT_EQ(method.response, tail(405, "Allow: GET\r\n", method.reason) +
                                 "Connection: close\r\n\r\n" + method.reason + "\n");
  const UpgradeDecision key = answer(H().drop("Sec-WebSocket-Key").raw());
  EXPECT_EQ(key.response,
            tail(400, "", key.reason) + "Connection: close\r\n\r\n" + key.reason + "\n");
  const UpgradeDecision head = answer(H().ask("HEAD / HTTP/1.1").raw());
  EXPECT_EQ(head.response, tail(405, "Allow: GET\r\n", head.reason) + "Connection: close\r\n\r\n");
}

TEST(Upgrade, RequestLineAndHost) { expect_all(request_line_cases()); }

TEST(Upgrade, UpgradeAndConnection) { expect_all(upgrade_token_cases()); }

TEST(Upgrade, Version) { expect_all(version_cases()); }

TEST(Upgrade, Key) { expect_all(key_cases()); }

TEST(Upgrade, BodiesAndFraming) {
  expect_all(body_cases());
  EXPECT_EQ(answer(H().add("Content-Length: 5").tail("GET").raw()).status, 0U);
  H many;
  for (int i = 5; i < 64; ++i) many.add("X: 1");
  EXPECT_EQ(answer(many.raw()).status, 101U);
  EXPECT_EQ(answer(many.add("X: 1").raw()).status, 431U);
}

TEST(Upgrade, NothingMayComeBehindTheHead) {
  for (const std::string& tail :
       {std::string("\x81\x80\0\0\0\0", 6), H().raw(), std::string("\r\n"), std::string(1, '\0')}) {
    EXPECT_EQ(answer(H().tail(tail).raw(), {}, tail.size()).status, 400U);
  }
}

TEST(Upgrade, Subprotocols) {
  const auto offer = [](const std::string& value) {
    return H().add("Sec-WebSocket-Protocol: " + value);
  };
  expect_all(subprotocol_cases());
  EXPECT_NE(answer(offer("mqtt").raw()).response.find("centrifuge-json"), std::string::npos);
}

TEST(Upgrade, FormatsInTheQuery) {
  const auto query = [](const std::string& text) {
    return H().ask("GET /connection/websocket?" + text + " HTTP/1.1");
  };
  expect_all(format_cases());
  EXPECT_NE(answer(query("format=protobuf").raw()).response.find("json"), std::string::npos);
}

// We negotiate no extension, so what is offered, in whatever grammar, changes nothing.
TEST(Upgrade, ExtensionsAreIgnored) {
  const std::string plain = answer(H().raw()).response;
  for (const std::string value :
       {"permessage-deflate", "permessage-deflate; client_max_window_bits", "a;b;c, d", "", ",",
        ";", ";;==", "permessage-deflate; =", "\"", "a b c", "permessage-deflate; x=\"", "\xff"}) {
    EXPECT_EQ(answer(H().add("Sec-WebSocket-Extensions: " + value).raw()).response, plain) << value;
  }
}

TEST(Upgrade, WantsWebsocket) {
  const auto wants = [](const std::string& raw) {
    const HttpLimits limits;
    RequestParser parser(limits);
    EXPECT_EQ(parser.feed(raw), RequestParser::State::kComplete);
    return wants_websocket(parser.request());
  };
  EXPECT_TRUE(wants(H().raw()));
  EXPECT_TRUE(wants(H().drop("Connection").set("Upgrade", "a, WEBSOCKET").raw()));
  EXPECT_FALSE(wants(H().drop("Upgrade").raw()));
  EXPECT_FALSE(wants(H().set("Upgrade", "h2c").raw()));
}

}  // namespace
}  // namespace millrace

#include "tests/support/upgrade_cases.h"

namespace millrace {
namespace {
using H = Handshake;
}

std::vector<UpgradeCase> request_line_cases() {
  return {
      {101, H()},
      {101, H().ask("GET /connection/websocket?a=b HTTP/1.1")},
      {101, H().ask("GET ws://server.example.com/connection/websocket HTTP/1.1")},
      {400, H().ask("GET ws://other.example.com/connection/websocket HTTP/1.1")},
      {400, H().ask("GET ws://me@server.example.com/ HTTP/1.1")},
      {400, H().ask("GET /#a HTTP/1.1")},
      {405, H().ask("POST / HTTP/1.1")},
      {405, H().ask("HEAD / HTTP/1.1")},
      {405, H().ask("OPTIONS / HTTP/1.1")},
      {405, H().ask("OPTIONS * HTTP/1.1")},
      {405, H().ask("CONNECT server.example.com:80 HTTP/1.1")},
      {405, H().ask("PUT / HTTP/1.1")},
      {405, H().ask("get / HTTP/1.1")},
      {405, H().ask("GETS / HTTP/1.1")},
      {400, H().ask("G@T / HTTP/1.1")},
      {400, H().ask("GET / HTTP/1.0")},
      {400, H().ask("GET / HTTP/1.0").drop("Host")},
      {505, H().ask("GET / HTTP/1.2")},
      {505, H().ask("GET / HTTP/2.0")},
      {505, H().ask("GET / HTTP/0.9")},
      {400, H().ask("GET /")},
      {400, H().ask("GET / HTTP/1.1 ")},
      {414, H().ask("GET /" + std::string(4'096, 'a') + " HTTP/1.1")},
      {400, H().drop("Host")},
      {400, H().set("Host", "")},
      {400, H().add("Host: server.example.com")},
      {400, H().add("host: other")},
      {400, H().set("Host", "a b")},
      {101, H().set("Host", "127.0.0.1:8000")},
      {101, H().set("Host", "[::1]:8000")},
      {101, H().drop("Host").add("hOST: a")},
  };
}

std::vector<UpgradeCase> upgrade_token_cases() {
  return {
      {426, H().drop("Upgrade")},
      {426, H().set("Upgrade", "")},
      {426, H().set("Upgrade", "h2c")},
      {426, H().set("Upgrade", "websocket2")},
      {426, H().set("Upgrade", "web socket")},
      {426, H().set("Upgrade", "websocket/13")},
      {426, H().set("Upgrade", "websocket;q=1")},
      {426, H().set("Upgrade", "\"websocket\"")},
      {101, H().set("Upgrade", "WebSocket")},
      {101, H().set("Upgrade", "WEBSOCKET")},
      {101, H().set("Upgrade", "h2c, websocket")},
      {101, H().set("Upgrade", ",websocket,")},
      {101, H().set("Upgrade", "h2c").add("Upgrade: websocket")},
      {101, H().drop("Upgrade").add("uPGRADE:websocket")},
      {400, H().drop("Connection")},
      {400, H().set("Connection", "")},
      {400, H().set("Connection", "keep-alive")},
      {400, H().set("Connection", "close")},
      {400, H().set("Connection", "Upgrades")},
      {400, H().set("Connection", "keep-alive Upgrade")},
      {400, H().set("Connection", "keep-alive; Upgrade")},
      {400, H().set("Connection", "\"Upgrade\"")},
      {400, H().set("Connection", "Upgrade, (")},
      {101, H().set("Connection", "upgrade")},
      {101, H().set("Connection", "UPGRADE")},
      {101, H().set("Connection", "keep-alive, Upgrade")},
      {101, H().set("Connection", "Upgrade,keep-alive")},
      {101, H().set("Connection", "keep-alive\t,\tUpgrade\t")},
      {101, H().set("Connection", ",,Upgrade")},
      {101, H().set("Connection", "keep-alive").add("Connection: Upgrade")},
      {400, H().set("Connection", "keep-alive").add("Connection: close")},
  };
}

std::vector<UpgradeCase> version_cases() {
  return {
      {426, H().drop("Sec-WebSocket-Version")},
      {426, H().set("Sec-WebSocket-Version", "")},
      {426, H().set("Sec-WebSocket-Version", "0")},
      {426, H().set("Sec-WebSocket-Version", "7")},
      {426, H().set("Sec-WebSocket-Version", "8")},
      {426, H().set("Sec-WebSocket-Version", "12")},
      {426, H().set("Sec-WebSocket-Version", "14")},
      {426, H().set("Sec-WebSocket-Version", "131")},
      {426, H().set("Sec-WebSocket-Version", "013")},
      {426, H().set("Sec-WebSocket-Version", "+13")},
      {426, H().set("Sec-WebSocket-Version", "13.0")},
      {426, H().set("Sec-WebSocket-Version", "13, 8")},
      {426, H().set("Sec-WebSocket-Version", "x")},
      {101, H().set("Sec-WebSocket-Version", " 13 \t")},
      {400, H().add("Sec-WebSocket-Version: 13")},
      {400, H().add("sec-websocket-version: 8")},
  };
}

std::vector<UpgradeCase> key_cases() {
  const auto key = [](const std::string& value) { return H().set("Sec-WebSocket-Key", value); };
  return {
      {400, H().drop("Sec-WebSocket-Key")},
      {400, key("")},
      {400, key("dGhlIHNhbXBsZSBub25jZQ")},
      {400, key("dGhlIHNhbXBsZSBub25jZQ=")},
      {400, key("dGhlIHNhbXBsZSBub25jZQ===")},
      {400, key("dGhlIHNhbXBsZSBub25j")},
      {400, key("dGhlIHNhbXBsZSBub25jZQAA")},
      {400, key("dGhlIHNhbXBsZSBub25jZQA=")},
      {400, key("dGhlIHNhbXBsZSBub25jZQ==AAAA")},
      {400, key("dGhlIHNhbXBsZSBub25jZR==")},
      {400, key("dGhlIHNhbXBsZSBub25jZT==")},
      {400, key("dGhlIHNhbXBsZSBub25jZ=Q=")},
      {400, key("dGhlIHNhbXBsZSBub25j====")},
      {400, key("dGhlIHNhbXBsZSB-b25jZQ==")},
      {400, key("dGhlIHNhbXBsZSB_b25jZQ==")},
      {400, key("dGhlIHNhbXBs SBub25jZQ==")},
      {400, key("dGhlIHNhbXBs\xc3\xa4"
                "ub25jZQ==")},
      {400, key("dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==")},
      {400, key("\"dGhlIHNhbXBsZSBub25jZQ==\"")},
      {400, key("MTIzNDU2Nzg5MDEyMzQ1")},
      {400, key("MTIzNDU2Nzg5MDEyMzQ1Njc=")},
      {400, H().add("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")},
      {400, H().add("sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==")},
      {101, key("AAAAAAAAAAAAAAAAAAAAAA==")},
      {101, key("/////////////////////w==")},
      {101, key("++++++++++++++++++++/g==")},
      {101, key(" \tdGhlIHNhbXBsZSBub25jZQ== ")},
  };
}

std::vector<UpgradeCase> body_cases() {
  return {
      {101, H().add("Content-Length: 0")},
      {400, H().add("Content-Length: 1").tail("x")},
      {400, H().add("Content-Length: 5").tail("GET /")},
      {400, H().add("Content-Length: 0").add("Content-Length: 0")},
      {413, H().add("Content-Length: 1048577")},
      {501, H().add("Transfer-Encoding: chunked").tail("0\r\n\r\n")},
      {501, H().add("Transfer-Encoding: identity")},
      {417, H().add("Expect: 100-continue")},
      {400, H().add(" folded: 1")},
      {400, H().add("X: 1\r\n folded")},
      {400, H().add("Upgrade : websocket")},
      {400, H().add("X: 1\n")},
      {400, H().add(std::string("X: \0", 4))},
      {400, H().add("no colon")},
      {431, H().add("X: " + std::string(8'192, 'x'))},
  };
}

std::vector<UpgradeCase> subprotocol_cases() {
  const auto offer = [](const std::string& value) {
    return H().add("Sec-WebSocket-Protocol: " + value);
  };
  return {
      {101, offer("centrifuge-json")},
      {101, offer("centrifuge-protobuf, centrifuge-json")},
      {101, offer("centrifuge-json,centrifuge-protobuf")},
      {101, offer("a,,centrifuge-json,")},
      {101, offer("a").add("Sec-WebSocket-Protocol: centrifuge-json")},
      {400, offer("")},
      {400, offer(",")},
      {400, offer("centrifuge-protobuf")},
      {400, offer("Centrifuge-JSON")},
      {400, offer("centrifuge-jsonx")},
      {400, offer("centrifuge-json x")},
      {400, offer("\"centrifuge-json\"")},
      {400, offer("mqtt, graphql-ws")},
      {400, offer("a").add("Sec-WebSocket-Protocol: b")},
  };
}

std::vector<UpgradeCase> format_cases() {
  const auto query = [](const std::string& text) {
    return H().ask("GET /connection/websocket?" + text + " HTTP/1.1");
  };
  return {
      {101, query("")},
      {101, query("format=json")},
      {101, query("cf_protocol=json&x=format=protobuf")},
      {101, query("xformat=protobuf")},
      {101, query("cf_ws_frame_ping_pong=true")},
      {400, query("format=protobuf")},
      {400, query("cf_protocol=protobuf")},
      {400, query("a=b&cf_protocol=protobuf")},
      {400, query("format=json&cf_protocol=protobuf")},
      {400, query("%66ormat=%70rotobuf")},
      {400, query("format=xml")},
      {400, query("format=")},
  };
}

std::vector<UpgradeCase> all_upgrade_cases() {
  std::vector<UpgradeCase> all;
  for (const auto& table : {request_line_cases(), upgrade_token_cases(), version_cases(),
                            key_cases(), body_cases(), subprotocol_cases(), format_cases()}) {
    all.insert(all.end(), table.begin(), table.end());
  }
  return all;
}

}  // namespace millrace

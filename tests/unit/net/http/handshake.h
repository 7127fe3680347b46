// Handshakes for tests: a good one, changed line by line, and what our side makes of the bytes.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "net/http/upgrade.h"

namespace millrace {

// The example of RFC 6455 section 1.3, with our path.
class Handshake {
 public:
  // Replaces the request line.
  Handshake& ask(std::string line) {
    lines_[0] = std::move(line);
    return *this;
  }
  // Replaces the value of a field, or adds the field.
  Handshake& set(const std::string& name, const std::string& value) {
    for (std::string& line : lines_) {
      if (!line.starts_with(name + ":")) continue;
      line = name + ": " + value;
      return *this;
    }
    return add(name + ": " + value);
  }
  Handshake& drop(const std::string& name) {
    std::erase_if(lines_,
                  [&name](const std::string& line) { return line.starts_with(name + ":"); });
    return *this;
  }
  Handshake& add(std::string line) {
    lines_.push_back(std::move(line));
    return *this;
  }
  // Bytes behind the head.
  Handshake& tail(std::string bytes) {
    tail_ = std::move(bytes);
    return *this;
  }
  [[nodiscard]] std::string raw() const {
    std::string text;
    for (const std::string& line : lines_) text += line + "\r\n";
    return text + "\r\n" + tail_;
  }

 private:
  std::vector<std::string> lines_ = {
      "GET /connection/websocket HTTP/1.1",
      "Host: server.example.com",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
  };
  std::string tail_;
};

// The decision on bytes that come in these pieces; status 0 while the request is not complete.
inline UpgradeDecision answer_pieces(const std::vector<std::string>& pieces,
                                     const OriginPolicy& origins = {}) {
  const HttpLimits limits;
  RequestParser parser(limits);
  for (const std::string& piece : pieces) {
    if (parser.state() == RequestParser::State::kNeedMore) parser.feed(piece);
  }
  UpgradeDecision decision;
  decision.status = 0;
  if (parser.state() == RequestParser::State::kRefused) {
    decision.status = parser.refusal().status;
    decision.reason = parser.refusal().reason;
  }
  if (parser.state() != RequestParser::State::kComplete) return decision;
  return decide_upgrade(parser.request(), parser.rest(), origins);
}

// The decision on the whole, the same for the bytes cut in two at every offset. `tail_bytes` are
// behind the head: they come with its last byte, because after an answer they would be frames.
inline UpgradeDecision answer(const std::string& raw, const OriginPolicy& origins = {},
                              std::size_t tail_bytes = 0) {
  UpgradeDecision whole = answer_pieces({raw}, origins);
  for (std::size_t at = 0; at < raw.size() - tail_bytes; ++at) {
    const UpgradeDecision cut = answer_pieces({raw.substr(0, at), raw.substr(at)}, origins);
    EXPECT_EQ(whole.status, cut.status) << "cut at " << at;
    EXPECT_EQ(whole.reason, cut.reason) << "cut at " << at;
    EXPECT_EQ(whole.response, cut.response) << "cut at " << at;
  }
  return whole;
}

}  // namespace millrace

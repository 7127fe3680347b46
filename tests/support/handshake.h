// A good opening handshake, changed line by line into one that a test wants.
#pragma once

#include <string>
#include <utility>
#include <vector>

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

}  // namespace millrace

// What a peer gets from the server on one connection, checked as it comes: HTTP answers, then, once
// there was a 101, frames of RFC 6455 that hold lines of JSON.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "net/ws/close_code.h"
#include "net/ws/frame_header.h"
#include "tests/fuzz/head_model.h"
#include "tests/unit/proto/reference_json.h"

namespace millrace {

class ServerStream {
 public:
  void take(Bytes bytes) {
    if (unreadable_) return;
    CHECK(!closed_ || bytes.empty());  // a close frame is the last word
    held_ += bytes;
    while (!unreadable_ && (upgraded_ ? take_frame() : take_answer())) {
    }
  }
  // An answer to HEAD ends with its head; what was asked is not known here.
  void do_not_read_answers() { unreadable_ = unreadable_ || !upgraded_; }
  // A client of ours that confuses the numbers below.
  void do_not_count() { counted_ = false; }

  // Nothing is left that begins something and does not end it.
  [[nodiscard]] bool whole() const { return unreadable_ || held_.empty(); }
  [[nodiscard]] bool upgraded() const { return upgraded_; }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  bool take_answer() {
    constexpr Bytes kStart = "HTTP/1.1 ";
    CHECK_EQ(Bytes(held_).substr(0, kStart.size()), kStart.substr(0, held_.size()));
    const std::size_t end = held_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const Bytes head = Bytes(held_).substr(0, end + 4);
    CHECK(head_is_clean(head));
    std::size_t size = end + 4;
    if (head.starts_with("HTTP/1.1 101 ")) {
      upgraded_ = true;
    } else {
      constexpr Bytes kLength = "\r\nContent-Length: ";
      const std::size_t at = head.find(kLength);
      CHECK_NE(at, Bytes::npos);
      size += std::stoul(held_.substr(at + kLength.size()));
    }
    if (held_.size() < size) return false;
    held_.erase(0, size);
    return true;
  }

  bool take_frame() {
    if (held_.size() < 2) return false;
    const auto first = static_cast<unsigned char>(held_[0]);
    std::uint64_t length = static_cast<unsigned char>(held_[1]);
    CHECK_EQ(first & 0xf0, 0x80);  // whole messages, no reserved bit
    CHECK_LE(length, 127U);        // never masked
    const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (held_.size() < 2 + extended) return false;
    if (extended > 0) length = 0;
    for (std::size_t i = 0; i < extended; ++i) {
      length = length << 8 | static_cast<unsigned char>(held_[2 + i]);
    }
    CHECK_GE(length, extended == 2 ? 126U : extended == 8 ? 65'536U : 0U);
    if (held_.size() - 2 - extended < length) return false;
    take_payload(static_cast<Opcode>(first & 0x0f), held_.substr(2 + extended, length));
    held_.erase(0, 2 + extended + length);
    CHECK(!closed_ || held_.empty());
    return true;
  }

  void take_payload(Opcode opcode, const std::string& payload) {
    switch (opcode) {
      case Opcode::kText:
        CHECK(utf8_valid(payload));
        take_lines(payload);
        return;
      case Opcode::kClose:
        closed_ = true;
        CHECK_LE(payload.size(), kMaxControlPayload);
        if (payload.empty()) return;
        CHECK_GE(payload.size(), 2U);
        CHECK(close_code_valid_on_wire(static_cast<std::uint16_t>(
            static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]))));
        CHECK(utf8_valid(Bytes(payload).substr(2)));
        return;
      case Opcode::kPing:
      case Opcode::kPong:
        CHECK_LE(payload.size(), kMaxControlPayload);
        return;
      case Opcode::kContinuation:
      case Opcode::kBinary:
        CHECK(!"the server sends no such frame");
    }
    CHECK(!"not an opcode");
  }

  // One message, or joins and leaves of one batch, a line each.
  void take_lines(Bytes text) {
    for (bool more = true; more;) {
      const std::size_t end = text.find('\n');
      const std::string line(text.substr(0, end));
      CHECK(test::ReferenceJson::valid(line, 80));
      CHECK_EQ(line.find('\r'), std::string::npos);
      check_order(line);
      more = end != Bytes::npos;
      if (more) text.remove_prefix(end + 1);
      CHECK(!more || line.find(R"("join":)") != Bytes::npos ||
            line.find(R"("leave":)") != Bytes::npos);
    }
  }

  // Publications of the moves hold {"seq":[WHO,NUMBER]}: of each publisher they come in order, and
  // never twice.
  void check_order(const std::string& line) {
    constexpr Bytes kMark = R"("pub":{"data":{"seq":[)";
    const std::size_t at = line.find(kMark);
    if (!counted_ || !line.starts_with(R"({"push":)") || at == std::string::npos) return;
    std::size_t used = 0;
    const std::string numbers = line.substr(at + kMark.size());
    const unsigned long who = std::stoul(numbers, &used);
    const unsigned long number = std::stoul(numbers.substr(used + 1));
    const std::string channel = line.substr(0, at);
    const auto [last, is_first] = last_.try_emplace({channel, who}, number);
    if (is_first) return;
    CHECK_LT(last->second, number);
    last->second = number;
  }

  std::string held_;
  bool upgraded_ = false;
  bool closed_ = false;
  bool unreadable_ = false;
  bool counted_ = true;
  std::map<std::pair<std::string, unsigned long>, unsigned long> last_;
};

}  // namespace millrace

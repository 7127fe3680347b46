// RFC 6455's receiving side over a stream that lies there whole: what a FrameDecoder must report.
//
// It shares no code with net/ws but the names of opcodes, on purpose. UTF-8 is judged by the range
// of characters that the bytes so far could still become, not by tables of bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/ws/frame_decoder.h"
#include "tests/support/frame_events.h"

namespace millrace {

enum class Utf8 : std::uint8_t { kWhole, kBegun, kWrong };

inline Utf8 judge_utf8(Bytes text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const int more = lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : 0;
    if (more == 0) return Utf8::kWrong;
    std::uint32_t least = lead & (0x3fU >> more);
    std::uint32_t most = least;
    bool whole = true;
    for (std::size_t i = at + 1; i <= at + static_cast<std::size_t>(more); ++i) {
      const bool there = i < text.size();
      const auto byte = there ? static_cast<unsigned char>(text[i]) : 0U;
      if (there && byte >> 6 != 2) return Utf8::kWrong;
      whole = whole && there;
      least = least << 6 | (there ? byte & 0x3f : 0);
      most = most << 6 | (there ? byte & 0x3f : 0x3f);
    }
    const std::uint32_t shortest = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (most < shortest || least > 0x10ffff) return Utf8::kWrong;
    if (least >= 0xd800 && most <= 0xdfff) return Utf8::kWrong;
    if (!whole) return Utf8::kBegun;
    at += static_cast<std::size_t>(more) + 1;
  }
  return Utf8::kWhole;
}

class WsModel {
 public:
  WsModel(Bytes stream, const FrameLimits& limits) : left_(stream), limits_(limits) {
    while (!ended && frame()) {
    }
  }

  std::vector<std::string> lines;  // those of frame_events.h
  bool ended = false;
  [[nodiscard]] bool at_rest() const { return left_.empty() && !open_; }

 private:
  [[nodiscard]] std::uint8_t at(std::size_t i) const { return static_cast<std::uint8_t>(left_[i]); }

  bool fail(std::uint16_t code) {
    lines.push_back("violation " + std::to_string(code));
    ended = true;
    return false;
  }

  // False if the stream has no whole frame any more, or has ended by itself.
  bool frame() {
    if (left_.size() < 2) return false;
    const unsigned opcode = at(0) & 0x0f;
    const bool fin = at(0) >= 0x80;
    const bool control = opcode >= 8;
    std::uint64_t length = at(1) & 0x7f;
    if ((at(0) & 0x70) != 0 || (opcode > 2 && opcode < 8) || opcode > 10) return fail(1002);
    if (at(1) < 0x80) return fail(1002);
    if (control && (!fin || length > 125 || (opcode == 8 && length == 1))) return fail(1002);
    const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
    if (left_.size() < 2 + extended + 4) return false;
    if (extended > 0) {
      length = 0;
      for (std::size_t i = 0; i < extended; ++i) length = length << 8 | at(2 + i);
      if (length >> 63 != 0 || length < (extended == 2 ? 126U : 65'536U)) return fail(1002);
    }
    if (!control) {
      if ((opcode == 0) != open_) return fail(1002);
      if (length > limits_.message_bytes || message_.size() + length > limits_.message_bytes) {
        return fail(1009);
      }
      if (++fragments_ > limits_.fragments) return fail(1008);
      open_ = true;
      if (opcode != 0) opcode_ = static_cast<Opcode>(opcode);
    }
    const Bytes mask = left_.substr(2 + extended, 4);
    std::string payload(left_.substr(2 + extended + 4, length));
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    }
    const bool whole = payload.size() == length;
    const bool goes_on = control ? take_control(static_cast<Opcode>(opcode), payload, whole)
                                 : take_data(payload, fin, whole);
    if (!goes_on || !whole) return false;
    left_.remove_prefix(2 + extended + 4 + length);
    return true;
  }

  bool take_control(Opcode opcode, const std::string& payload, bool whole) {
    if (!whole) return false;
    if (opcode != Opcode::kClose) {
      lines.push_back(frame_event(opcode, payload));
      return true;
    }
    ended = true;
    if (payload.empty()) {
      lines.push_back(close_event(1005, {}));
      return false;
    }
    const unsigned code =
        static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
    const bool registered =
        code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
    if (!registered && (code < 3000 || code > 4999)) return fail(1002);
    const std::string reason = payload.substr(2);
    if (judge_utf8(reason) != Utf8::kWhole) return fail(1007);
    lines.push_back(close_event(static_cast<std::uint16_t>(code), reason));
    return false;
  }

  bool take_data(const std::string& payload, bool fin, bool whole) {
    message_ += payload;
    const bool ends = fin && whole;
    if (opcode_ == Opcode::kText) {
      const Utf8 verdict = judge_utf8(message_);
      if (verdict == Utf8::kWrong || (ends && verdict == Utf8::kBegun)) return fail(1007);
    }
    if (!ends) return true;
    lines.push_back(frame_event(opcode_, message_));
    message_.clear();
    open_ = false;
    fragments_ = 0;
    return true;
  }

  Bytes left_;
  const FrameLimits limits_;
  bool open_ = false;
  Opcode opcode_ = Opcode::kText;
  std::uint32_t fragments_ = 0;
  std::string message_;
};

}  // namespace millrace

// What a FrameDecoder reported, as lines that tests compare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "net/ws/frame_decoder.h"

namespace millrace {

inline std::string frame_event(Opcode opcode, Bytes payload) {
  std::string line;
  switch (opcode) {
    case Opcode::kContinuation:
      line = "continuation ";
      break;
    case Opcode::kText:
      line = "text ";
      break;
    case Opcode::kBinary:
      line = "binary ";
      break;
    case Opcode::kClose:
      line = "close ";
      break;
    case Opcode::kPing:
      line = "ping ";
      break;
    case Opcode::kPong:
      line = "pong ";
      break;
  }
  return line.append(payload);
}

inline std::string close_event(std::uint16_t code, Bytes reason) {
  return frame_event(Opcode::kClose, std::to_string(code) + " ").append(reason);
}

class FrameEvents : public FrameHandler {
 public:
  virtual ~FrameEvents() = default;
  bool on_message(Opcode opcode, Bytes payload) override {
    return keep(frame_event(opcode, payload));
  }
  bool on_ping(Bytes payload) override { return keep(frame_event(Opcode::kPing, payload)); }
  bool on_pong(Bytes payload) override { return keep(frame_event(Opcode::kPong, payload)); }
  void on_close(std::uint16_t code, Bytes reason) override { keep(close_event(code, reason)); }
  void on_violation(CloseCode code, Bytes reason) override {
    keep("violation " + std::to_string(static_cast<std::uint16_t>(code)));
    reasons.emplace_back(reason);
  }

  std::vector<std::string> lines;
  std::vector<std::string> reasons;  // of violations
  // The handler says stop at this many lines.
  std::size_t stop_at = std::numeric_limits<std::size_t>::max();

 private:
  bool keep(std::string line) {
    lines.push_back(std::move(line));
    return lines.size() < stop_at;
  }
};

}  // namespace millrace

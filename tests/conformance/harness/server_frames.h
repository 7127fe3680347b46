// What a server sends behind its 101, read as strictly as RFC 6455 allows: frames that are not
// masked, no reserved bit, known opcodes, shortest lengths, whole and short control frames,
// fragments in order, UTF-8, close codes that may be sent, and nothing behind a close frame.
//
// It shares no code with net/, which is under test. Owner: one run of a case.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/cases/case.h"

namespace millrace::conformance {

class ServerFrames {
 public:
  void feed(Bytes bytes);

  // Data messages, pings and pongs, in order.
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  void add_event(Event event) { events_.push_back(std::move(event)); }
  // Of the close frame; 1005 if it had none.
  [[nodiscard]] const std::optional<std::uint16_t>& close_code() const { return close_code_; }
  // The first rule that was broken; empty if none. Nothing is read behind it.
  [[nodiscard]] const std::string& fault() const { return fault_; }
  // True if there is no begun frame and no begun message.
  [[nodiscard]] bool at_rest() const { return buffer_.size() == at_ && !open_; }

 private:
  bool read_frame();
  void take_data(std::uint8_t opcode, bool fin, Bytes payload);
  void take_control(std::uint8_t opcode, Bytes payload);
  void take_close(Bytes payload);
  bool fail(std::string fault);

  std::string buffer_;
  std::size_t at_ = 0;  // what is before it is read
  std::optional<Event> open_;
  std::vector<Event> events_;
  std::optional<std::uint16_t> close_code_;
  std::string fault_;
};

}  // namespace millrace::conformance

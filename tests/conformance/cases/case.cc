#include "tests/conformance/cases/case.h"

#include <utility>

namespace millrace::conformance {

Event text(Bytes payload) { return {Event::Kind::kText, std::string(payload)}; }
Event binary(Bytes payload) { return {Event::Kind::kBinary, std::string(payload)}; }
Event pong(Bytes payload) { return {Event::Kind::kPong, std::string(payload)}; }
Event waited() { return {Event::Kind::kWaited, {}}; }

Script& Script::send_chopped(Bytes bytes, std::size_t octets) {
  Step step;
  step.bytes = bytes;
  step.chop = octets;
  steps_.push_back(std::move(step));
  return *this;
}

Script& Script::send_frames(const std::vector<std::string>& frames) {
  for (const std::string& frame : frames) send(frame);
  return *this;
}

Script& Script::await(std::size_t events) {
  Step step;
  step.kind = Step::Kind::kAwait;
  step.events = events;
  steps_.push_back(std::move(step));
  return *this;
}

Script& Script::wait(std::chrono::milliseconds longest) {
  Step step;
  step.kind = Step::Kind::kWait;
  step.longest = longest;
  steps_.push_back(std::move(step));
  return *this;
}

Script& Script::may(Outcome outcome) {
  outcomes_.push_back(std::move(outcome));
  return *this;
}

Script& Script::answers(std::vector<Event> events) {
  client_closes_ = true;
  return may({Verdict::kOk, std::move(events), {.codes = {kNormal}}});
}

Script& Script::fails(std::uint16_t code, const std::vector<Event>& before) {
  may({Verdict::kOk, before, {.codes = {code}}});
  may({Verdict::kNonStrict, before, {.drop = true}});
  if (!before.empty()) may({Verdict::kNonStrict, {}, {.codes = {code}, .drop = true}});
  return *this;
}

Script& Script::closes(std::uint16_t code, std::vector<Event> before) {
  return says_goodbye().may({Verdict::kOk, std::move(before), {.codes = {code}}});
}

Script& Script::says_goodbye() {
  has_close_frame_ = true;
  return *this;
}

std::string Script::stream() const {
  std::string all;
  for (const Step& step : steps_) all += step.bytes;
  return client_closes_ ? all + client_close_frame(kNormal) : all;
}

const Cases& all_cases() {
  static const Cases cases = [] {
    Cases all;
    for (const auto& section :
         {framing_cases(), ping_cases(), reserved_cases(), fragment_cases(), utf8_cases(),
          close_cases(), limit_cases(), auto_fragment_cases()}) {
      all.insert(all.end(), section.begin(), section.end());
    }
    return all;
  }();
  return cases;
}

const Case* find_case(std::string_view id) {
  for (const Case& one : all_cases()) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

std::vector<std::string> fragments(Opcode opcode, const std::vector<std::string>& payloads) {
  std::vector<std::string> frames;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    frames.push_back(client_frame(i == 0 ? opcode : Opcode::kContinuation, payloads[i],
                                  i + 1 == payloads.size()));
  }
  return frames;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string whole;
  for (const std::string& part : parts) whole += part;
  return whole;
}

std::vector<std::string> cut(Bytes whole, std::size_t octets) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < whole.size(); at += octets) {
    pieces.emplace_back(whole.substr(at, octets));
  }
  return pieces;
}

}  // namespace millrace::conformance

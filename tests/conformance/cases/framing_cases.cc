// Section 1: messages in one frame, around every form of length.
#include <array>
#include <string>

#include "tests/conformance/cases/case.h"

namespace millrace::conformance {
namespace {

struct Length {
  std::size_t bytes;
  std::size_t chop;  // octets of each write; 0 for one write
};

constexpr std::array<Length, 8> kLengths{
    {{0, 0}, {125, 0}, {126, 0}, {127, 0}, {128, 0}, {65'535, 0}, {65'536, 0}, {65'536, 997}}};

Case framing_case(const std::string& id, Opcode opcode, const Length& length) {
  const bool is_text = opcode == Opcode::kText;
  std::string line = is_text ? "a text of " : "a binary message of ";
  line += std::to_string(length.bytes) + " B comes back";
  if (length.chop > 0) line += ", sent in writes of " + std::to_string(length.chop) + " B";
  return {id, line + " (RFC 6455 section 5.2)", [=](const Effort&) {
            const std::string payload(length.bytes, is_text ? '*' : '\xfe');
            return Script()
                .send_chopped(client_frame(opcode, payload), length.chop)
                .answers({is_text ? text(payload) : binary(payload)});
          }};
}

}  // namespace

Cases framing_cases() {
  Cases cases;
  for (const auto& [group, opcode] :
       {std::pair{"1.1.", Opcode::kText}, std::pair{"1.2.", Opcode::kBinary}}) {
    int number = 0;
    for (const Length& length : kLengths) {
      cases.push_back(framing_case(group + std::to_string(++number), opcode, length));
    }
  }
  return cases;
}

}  // namespace millrace::conformance

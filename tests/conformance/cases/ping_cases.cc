// Section 2: pings and pongs.
#include <string>

#include "tests/conformance/cases/case.h"

namespace millrace::conformance {
namespace {

constexpr std::size_t kOctets = 1;

std::string ping_frame(Bytes payload) { return client_frame(Opcode::kPing, payload); }

Case answered(const std::string& id, const std::string& what, const std::string& payload,
              std::size_t chop = 0) {
  return {id, what + " is answered with its payload (RFC 6455 section 5.5.3)", [=](const Effort&) {
            return Script().send_chopped(ping_frame(payload), chop).answers({pong(payload)});
          }};
}

Case ten_pings(const std::string& id, const std::string& how, std::size_t chop) {
  return {id, "ten pings" + how + " are all answered, in order (RFC 6455 section 5.5.2)",
          [=](const Effort&) {
            std::string frames;
            std::vector<Event> pongs;
            for (int i = 0; i < 10; ++i) {
              const std::string payload = "payload-" + std::to_string(i);
              frames += ping_frame(payload);
              pongs.push_back(pong(payload));
            }
            return Script().send_chopped(frames, chop).answers(pongs);
          }};
}

}  // namespace

Cases ping_cases() {
  const std::string not_text("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8);
  const std::string unasked = client_frame(Opcode::kPong, "unsolicited pong payload");
  return {
      answered("2.1", "a ping without payload", ""),
      answered("2.2", "a ping with a text", "Hello, world!"),
      answered("2.3", "a ping with bytes that are no text", not_text),
      answered("2.4", "a ping of 125 B", std::string(125, '\xfe')),
      {"2.5", "a ping of 126 B fails the connection (RFC 6455 section 5.5)",
       [](const Effort&) {
         return Script().send(ping_frame(std::string(126, '\xfe'))).fails(kProtocolError);
       }},
      answered("2.6", "a ping of 125 B, sent octet by octet,", std::string(125, '\xfe'), kOctets),
      {"2.7", "a pong that nobody asked for is ignored (RFC 6455 section 5.5.3)",
       [](const Effort&) { return Script().send(client_frame(Opcode::kPong, "")).answers({}); }},
      {"2.8", "the same with a payload (RFC 6455 section 5.5.3)",
       [unasked](const Effort&) { return Script().send(unasked).answers({}); }},
      {"2.9", "the same, then a ping, which is answered (RFC 6455 section 5.5.3)",
       [unasked](const Effort&) {
         return Script()
             .send(unasked)
             .send(ping_frame("ping payload"))
             .answers({
                 pong("ping payload"),
             });
       }},
      ten_pings("2.10", "", 0),
      ten_pings("2.11", ", sent octet by octet,", kOctets),
  };
}

}  // namespace millrace::conformance

// Section 9: large messages, many fragments, many writes, many messages. Section 10: a client that
// cuts by itself.
#include <array>
#include <string>

#include "tests/conformance/cases/case.h"

namespace millrace::conformance {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

struct Kind {
  Opcode opcode;
  const char* name;
};

constexpr Kind kText{Opcode::kText, "text"};
constexpr Kind kBinary{Opcode::kBinary, "binary message"};

// Its pattern is of a length that no power of two is a multiple of, so that a lost or doubled block
// shows.
std::string payload_of(const Kind& kind, std::size_t size) {
  const std::string pattern =
      kind.opcode == Opcode::kText ? "BAsd7&jh23x" : std::string("\x00\xfe\x23\xfa\xf0\x07\x80", 7);
  std::string payload;
  payload.reserve(size + pattern.size());
  while (payload.size() < size) payload += pattern;
  payload.resize(size);
  return payload;
}

Event event_of(const Kind& kind, Bytes payload) {
  return kind.opcode == Opcode::kText ? text(payload) : binary(payload);
}

std::string size_text(std::size_t size) {
  if (size % kMiB == 0 && size > 0) return std::to_string(size / kMiB) + " MiB";
  if (size % kKiB == 0 && size > 0) return std::to_string(size / kKiB) + " KiB";
  return std::to_string(size) + " B";
}

Case in_one_frame(const std::string& id, const Kind& kind, std::size_t size) {
  return {id,
          "a " + std::string(kind.name) + " of " + size_text(size) +
              " in one frame comes back (RFC 6455 section 5.2)",
          [=](const Effort&) {
            const std::string payload = payload_of(kind, size);
            return Script()
                .send(client_frame(kind.opcode, payload))
                .answers({
                    event_of(kind, payload),
                });
          },
          true};
}

Case in_fragments(const std::string& id, const Kind& kind, std::size_t size, std::size_t fragment) {
  return {id,
          "a " + std::string(kind.name) + " of " + size_text(size) + " in fragments of " +
              size_text(fragment) + " comes back (RFC 6455 section 5.4)",
          [=](const Effort&) {
            const std::string payload = payload_of(kind, size);
            return Script()
                .send(joined(fragments(kind.opcode, cut(payload, fragment))))
                .answers({
                    event_of(kind, payload),
                });
          },
          size >= kMiB};
}

Case in_writes(const std::string& id, const Kind& kind, std::size_t chop) {
  return {id,
          "a " + std::string(kind.name) + " of 1 MiB in writes of " + size_text(chop) +
              " comes back (RFC 6455 section 5.2)",
          [=](const Effort&) {
            const std::string payload = payload_of(kind, kMiB);
            return Script()
                .send_chopped(client_frame(kind.opcode, payload), chop)
                .answers({
                    event_of(kind, payload),
                });
          },
          true};
}

Case many(const std::string& id, const Kind& kind, std::size_t size) {
  return {id,
          "many of " + size_text(size) + ", each " + kind.name +
              " behind the answer to the last, come back (RFC 6455 section 5.6)",
          [=](const Effort& effort) {
            const std::string payload = payload_of(kind, size);
            const std::string frame = client_frame(kind.opcode, payload);
            Script script;
            std::vector<Event> events;
            for (std::size_t i = 1; i <= effort.messages; ++i) {
              script.send(frame).await(i);
              events.push_back(event_of(kind, payload));
            }
            return script.answers(events);
          },
          true};
}

}  // namespace

Cases limit_cases() {
  constexpr std::array kWhole{64 * kKiB, 256 * kKiB, 1 * kMiB, 4 * kMiB, 8 * kMiB, 16 * kMiB};
  constexpr std::array<std::size_t, 9> kFragments{
      64, 256, kKiB, 4 * kKiB, 16 * kKiB, 64 * kKiB, 256 * kKiB, 1 * kMiB, 4 * kMiB};
  constexpr std::array<std::size_t, 6> kChops{64, 128, 256, 512, 1'024, 2'048};
  constexpr std::array<std::size_t, 6> kMany{0, 16, 64, 256, 1'024, 4'096};
  Cases cases;
  // The groups alternate: 9.1 is of texts, 9.2 the same of binary messages.
  const auto add = [&cases](int group, const auto& sizes, const auto& make) {
    for (const Kind& kind : {kText, kBinary}) {
      const std::string prefix = "9." + std::to_string(group++) + ".";
      int number = 0;
      for (const std::size_t size : sizes) {
        cases.push_back(make(prefix + std::to_string(++number), kind, size));
      }
    }
  };
  add(1, kWhole, in_one_frame);
  add(3, kFragments, [](const std::string& id, const Kind& kind, std::size_t size) {
    return in_fragments(id, kind, 4 * kMiB, size);
  });
  add(5, kChops, in_writes);
  add(7, kMany, many);
  return cases;
}

Cases auto_fragment_cases() { return {in_fragments("10.1.1", kText, 64 * kKiB, 1'300)}; }

}  // namespace millrace::conformance

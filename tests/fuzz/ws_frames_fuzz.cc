// A stream of client frames, raw or put together, through FrameDecoder.
//
// What it reports is what a plain model reports (ws_model.h), however the stream is cut and
// whatever the decoder has seen before its reset(); it never sees what wslay's own event API does
// not.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/ws_model.h"
#include "tests/support/client_frames.h"
#include "tests/support/frame_events.h"
#include "tests/support/wslay_events.h"

namespace millrace {
namespace {

using Lines = std::vector<std::string>;

// Checks what each message must be on its own, whatever the model says.
class CheckedEvents final : public FrameEvents {
 public:
  explicit CheckedEvents(const FrameLimits& limits) : limits_(limits) {}

  bool on_message(Opcode opcode, Bytes payload) override {
    CHECK(opcode == Opcode::kText || opcode == Opcode::kBinary);
    CHECK_LE(payload.size(), limits_.message_bytes);
    CHECK(opcode != Opcode::kText || utf8_valid(payload));
    return FrameEvents::on_message(opcode, payload);
  }
  bool on_ping(Bytes payload) override {
    CHECK_LE(payload.size(), kMaxControlPayload);
    return FrameEvents::on_ping(payload);
  }
  void on_violation(CloseCode code, Bytes reason) override {
    CHECK(!reason.empty() && reason.size() <= 123 && utf8_valid(reason));
    FrameEvents::on_violation(code, reason);
  }

 private:
  const FrameLimits& limits_;
};

bool feed(FrameDecoder& decoder, Bytes stream, const FrameLimits& limits, Cuts cuts,
          FrameHandler& handler) {
  bool goes_on = true;
  while (!stream.empty()) {
    const bool now = decoder.feed(cuts.next(stream), limits, handler);
    CHECK(goes_on || !now);  // what has ended stays so
    goes_on = now;
  }
  return goes_on;
}

Lines decode(FrameDecoder& decoder, Bytes stream, const FrameLimits& limits, Cuts cuts) {
  CheckedEvents events(limits);
  const bool goes_on = feed(decoder, stream, limits, cuts, events);
  const WsModel model(stream, limits);
  CHECK_EQ(goes_on, !model.ended);
  if (goes_on) CHECK_EQ(decoder.at_rest(), model.at_rest());
  CHECK_EQ(events.lines.size(), model.lines.size());
  for (std::size_t i = 0; i < events.lines.size(); ++i) CHECK_EQ(events.lines[i], model.lines[i]);
  return events.lines;
}

void compare_with_wslay(Lines ours, Bytes stream, std::size_t message_bytes) {
  if (!ours.empty() && ours.back().starts_with("violation ")) ours.pop_back();
  // wslay does not know 1012 to 1014, which were registered after it was written.
  if (!ours.empty() && ours.back().starts_with("close 101")) ours.pop_back();
  // Its limit counts for control frames too.
  Lines theirs = wslay_events(stream, std::max(message_bytes, std::size_t{kMaxControlPayload}));
  CHECK_GE(theirs.size(), ours.size());
  theirs.resize(ours.size());
  CHECK(ours == theirs);
}

// Stops at the handler's wish, and says nothing more.
void stop_early(Bytes stream, const FrameLimits& limits, Cuts cuts, std::size_t at) {
  FrameDecoder decoder;
  FrameEvents events;
  events.stop_at = at;
  feed(decoder, stream, limits, cuts, events);
  CHECK_LE(events.lines.size(), at);
}

// Frames as a program of them: first byte, form and mask, size, payload. What can't be masked by
// chance (a text in UTF-8, two frames in a row) is common here.
std::string frames_of(FuzzInput& input) {
  constexpr std::array<std::size_t, 8> kSizes{0, 125, 126, 127, 128, 300, 4'090, 65'536};
  std::string stream;
  while (!input.empty() && stream.size() < 140'000) {
    const std::uint8_t first_byte = input.byte();
    const std::uint8_t how = input.byte();
    const std::uint8_t size = input.byte();
    std::string payload(input.bytes(size < 248 ? size : 0));
    if (size >= 248) payload.assign(kSizes.at(size - 248U), static_cast<char>(first_byte & 0x7f));
    constexpr std::array<std::uint32_t, 4> kMasks{kTestMask, 0, 0xffffffff, 0x00010203};
    std::optional<std::uint32_t> mask = kMasks.at(how >> 2 & 3);
    if ((how & 0xf0) == 0xf0) mask.reset();
    const std::uint64_t lie = (how & 0xf0) == 0xe0 ? input.number() : 0;
    stream +=
        client_header(first_byte, payload.size() + lie, static_cast<LengthForm>(how & 3), mask);
    stream += mask.has_value() ? mask_payload(payload, *mask) : payload;
  }
  return stream;
}

}  // namespace
}  // namespace millrace

// A byte each for the limits and for the mode, three for the cuts, then the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using millrace::FrameDecoder;
  constexpr std::array<std::size_t, 8> kMessageBytes{65'536, 0, 1, 125, 126, 127, 1'000, 70'000};
  constexpr std::array<std::uint32_t, 4> kFragments{1'024, 1, 2, 3};
  millrace::FuzzInput input(data, size);
  const std::uint8_t choice = input.byte();
  const millrace::FrameLimits limits{.message_bytes = kMessageBytes.at(choice & 7),
                                     .fragments = kFragments.at(choice >> 3 & 3)};
  const std::uint8_t mode = input.byte();
  const millrace::Cuts cuts(input);
  const std::string made = mode % 2 == 0 ? millrace::frames_of(input) : std::string();
  const millrace::Bytes stream = mode % 2 == 0 ? millrace::Bytes(made) : input.rest();

  FrameDecoder decoder;
  const auto lines = millrace::decode(decoder, stream, limits, millrace::Cuts());
  millrace::compare_with_wslay(lines, stream, limits.message_bytes);
  decoder.reset();
  millrace::decode(decoder, stream, limits, cuts);
  decoder.reset();
  // Given back inside a frame, and lent again.
  millrace::FrameEvents dropped;
  millrace::feed(decoder, stream.substr(0, stream.size() / 2), limits, cuts, dropped);
  decoder.reset();
  millrace::decode(decoder, stream, limits, cuts);
  millrace::stop_early(stream, limits, cuts, 1U + (mode >> 1U));
  return 0;
}

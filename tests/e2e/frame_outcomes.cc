// Random streams of client frames and what our decoder makes of each, for the differential test
// against wsproto (tests/e2e/differential/compare_frames.py).
//
// Standard output is, in numbers of 4 bytes, the lowest first: the limits (bytes of a message,
// fragments), then for each stream its length and bytes, the count of outcomes, and the length and
// bytes of each outcome, a line of tests/support/frame_events.h. The same seed makes the same
// bytes.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

#include "core/base/assert.h"
#include "net/ws/frame_decoder.h"
#include "tests/support/frame_events.h"
#include "tests/support/random_frames.h"

namespace millrace {
namespace {

// Small enough that streams pass them, large enough for every form of length.
constexpr FrameLimits kLimits{.message_bytes = 70'000, .fragments = 10};

void put(Bytes bytes) {
  CHECK_EQ(std::fwrite(bytes.data(), 1, bytes.size(), stdout), bytes.size());
}

void put_number(std::size_t number) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<char>(number >> shift & 0xff));
  }
  put(bytes);
}

void put_string(Bytes bytes) {
  put_number(bytes.size());
  put(bytes);
}

// In reads of random sizes, as a socket would have them.
void put_outcomes(Bytes stream, std::mt19937_64& random) {
  FrameDecoder decoder;
  FrameEvents events;
  put_string(stream);
  const std::size_t largest = std::size_t{1} << random() % 17;
  bool goes_on = true;
  while (goes_on && !stream.empty()) {
    const std::string read(stream.substr(0, 1 + random() % largest));
    stream.remove_prefix(read.size());
    goes_on = decoder.feed(read, kLimits, events);
  }
  put_number(events.lines.size());
  for (const std::string& line : events.lines) put_string(line);
}

int run(int argc, char** argv) {
  CLI::App app("Random streams of client frames and what our decoder makes of each");
  std::uint64_t streams = 0;
  std::uint64_t seed = 0;
  app.add_option("--streams", streams, "How many")->required();
  app.add_option("--seed", seed, "What they are made from")->required();
  CLI11_PARSE(app, argc, argv);
  put_number(kLimits.message_bytes);
  put_number(kLimits.fragments);
  for (std::uint64_t i = 0; i < streams; ++i) {
    // Of its own, so that stream i is the same however many there are.
    std::mt19937_64 random(seed * 1'000'003 + i);
    const bool lawful = random() % 3 == 0;
    // Most are kept small: what is compared is rules, and bytes cost time.
    const std::size_t largest = random() % 8 == 0 ? kLimits.message_bytes : 1'000;
    const std::string stream =
        lawful ? random_frames(random, largest) : random_lawless_frames(random, largest);
    put_outcomes(stream, random);
  }
  return 0;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::run(argc, argv); }

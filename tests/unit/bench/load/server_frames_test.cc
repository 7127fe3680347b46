#include "bench/load/server_frames.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::load {
namespace {

class Taker final : public FrameTaker {
 public:
  bool on_frame(Opcode opcode, Bytes payload) override {
    seen.push_back(std::to_string(static_cast<int>(opcode)) + ":" + std::string(payload));
    return seen.size() < stop_after;
  }
  std::vector<std::string> seen;
  std::size_t stop_after = 1'000'000;
};

std::string frame(std::uint8_t first, const std::string& payload) {
  std::string header(kMaxServerHeader, '\0');
  header.resize(write_server_header({header.data(), header.size()}, Opcode::kText, payload.size()));
  header[0] = static_cast<char>(first);
  return header + payload;
}

TEST(ServerFrames, WholeFramesOfEveryLengthForm) {
  for (const std::size_t size : {0U, 125U, 126U, 65'535U, 65'536U, 200'000U}) {
    ServerFrames frames;
    Taker taker;
    const std::string payload(size, 'x');
    ASSERT_TRUE(frames.feed(frame(0x81, payload) + frame(0x82, "b"), taker));
    ASSERT_EQ(taker.seen.size(), 2U) << size;
    EXPECT_EQ(taker.seen[0], "1:" + payload);
    EXPECT_EQ(taker.seen[1], "2:b");
  }
}

TEST(ServerFrames, SplitAnywhereTheyAreTheSame) {
  const std::string stream = frame(0x81, "one") + frame(0x89, "ping") + frame(0x01, "a") +
                             frame(0x8a, "") + frame(0x80, "b") +
                             frame(0x81, std::string(300, 'y'));
  Taker whole;
  ServerFrames at_once;
  ASSERT_TRUE(at_once.feed(stream, whole));
  ASSERT_EQ(whole.seen.size(), 5U);
  EXPECT_EQ(whole.seen[3], "1:ab");
  for (std::size_t piece = 1; piece < stream.size(); ++piece) {
    ServerFrames frames;
    Taker taker;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_TRUE(frames.feed(Bytes(stream).substr(at, piece), taker));
    }
    ASSERT_EQ(taker.seen, whole.seen) << piece;
  }
}

TEST(ServerFrames, ATakerThatHasEnoughGetsNoMore) {
  ServerFrames frames;
  Taker taker;
  taker.stop_after = 1;
  EXPECT_TRUE(frames.feed(frame(0x81, "a") + frame(0x81, "b"), taker));
  EXPECT_EQ(taker.seen.size(), 1U);
}

TEST(ServerFrames, BrokenRulesAreSeen) {
  const std::string masked("\x81\x81mask!", 7);
  const std::string too_long("\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", 10);
  for (const std::string& stream :
       {masked, too_long, frame(0xc1, "reserved"), frame(0x80, "nothing to continue"),
        frame(0x01, "a") + frame(0x81, "a second begin"), frame(0x09, "a split ping"),
        frame(0x88, std::string(126, 'c'))}) {
    ServerFrames frames;
    Taker taker;
    EXPECT_FALSE(frames.feed(stream, taker)) << stream.substr(0, 20);
  }
}

}  // namespace
}  // namespace millrace::load

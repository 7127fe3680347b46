#include "tests/conformance/harness/server_frames.h"

#include <gtest/gtest.h>

#include "tests/conformance/plain_utf8.h"

namespace millrace::conformance {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text.push_back(static_cast<char>(value));
  return text;
}

ServerFrames read(Bytes stream) {
  ServerFrames frames;
  for (const char c : stream) frames.feed(Bytes(&c, 1));  // octet by octet, as it may come
  return frames;
}

TEST(ServerFrames, ReadsWhatAServerMaySend) {
  const std::string stream = bytes({0x81, 2}) + "ab" + bytes({0x02, 1}) + "c" + bytes({0x89, 0}) +
                             bytes({0x80, 1}) + "d" + bytes({0x8a, 1}) + "p" +
                             bytes({0x82, 126, 0, 126}) + std::string(126, 'x') +
                             bytes({0x88, 3, 0x03, 0xe8}) + "r";
  const ServerFrames frames = read(stream);
  EXPECT_EQ(frames.fault(), "");
  EXPECT_TRUE(frames.at_rest());
  const std::vector<Event> wanted{
      text("ab"), {Event::Kind::kPing, ""}, binary("cd"), pong("p"), binary(std::string(126, 'x'))};
  EXPECT_EQ(frames.events(), wanted);
  EXPECT_EQ(frames.close_code(), 1000);
}

TEST(ServerFrames, FindsEveryBrokenRule) {
  const std::string whole = bytes({0x88, 0});
  const std::vector<std::string> wrong{
      bytes({0xc1, 0}),  // reserved bits
      bytes({0xa1, 0}),
      bytes({0x91, 0}),
      bytes({0x81, 0x80, 0, 0, 0, 0}),  // a mask
      bytes({0x83, 0}),                 // opcodes
      bytes({0x87, 0}),
      bytes({0x8b, 0}),
      bytes({0x8f, 0}),
      bytes({0x09, 0}),  // control frames
      bytes({0x08, 0}),
      bytes({0x89, 126, 0, 126}),
      bytes({0x81, 126, 0, 125}),  // lengths
      bytes({0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}),
      bytes({0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}),
      bytes({0x80, 0}),  // fragments
      bytes({0x01, 0, 0x81, 0}),
      bytes({0x81, 1, 0xff}),  // texts
      bytes({0x81, 2, 0xc3, 0x28}),
      bytes({0x81, 1, 0xc3}),
      bytes({0x88, 1, 3}),  // closes
      bytes({0x88, 2, 3, 0xed}),
      bytes({0x88, 2, 0, 0}),
      bytes({0x88, 3, 3, 0xe8, 0xff}),
      whole + bytes({0x8a, 0}),  // and nothing behind one
      whole + whole,
  };
  for (const std::string& stream : wrong) {
    EXPECT_NE(read(stream).fault(), "") << testing::PrintToString(stream);
  }
  EXPECT_FALSE(read(bytes({0x81, 2, 'a'})).at_rest());
  EXPECT_FALSE(read(bytes({0x01, 0})).at_rest());
}

TEST(PlainUtf8, AgreesWithTheTableOfTheRfc) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
  for (const Bytes wrong : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                            "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(wrong)) << testing::PrintToString(wrong);
    EXPECT_FALSE(scan_utf8(wrong).possible);
  }
  // The first octet that decides, not a later one.
  EXPECT_FALSE(scan_utf8("\xed\xa0").possible);
  EXPECT_FALSE(scan_utf8("\xe0\x9f").possible);
  EXPECT_FALSE(scan_utf8("\xf4\x90").possible);
  EXPECT_TRUE(scan_utf8("\xed\x9f").possible);
  EXPECT_TRUE(scan_utf8("\xf4\x8f").possible);
  EXPECT_FALSE(is_utf8("\xf4\x8f"));
}

}  // namespace
}  // namespace millrace::conformance

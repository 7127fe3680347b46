#include "net/ws/frame_header.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "core/base/utf8.h"

namespace millrace {
namespace {

using std::string_literals::operator""s;

std::string header_of(Opcode opcode, std::uint64_t length) {
  std::array<char, kMaxServerHeader> out{};
  const std::size_t size = write_server_header(out, opcode, length);
  EXPECT_EQ(size, server_header_size(length));
  return {out.data(), size};
}

TEST(FrameHeader, LengthsTakeTheirShortestForm) {
  EXPECT_EQ(header_of(Opcode::kText, 0), "\x81\x00"s);
  EXPECT_EQ(header_of(Opcode::kText, 125), "\x81\x7d"s);
  EXPECT_EQ(header_of(Opcode::kText, 126), "\x81\x7e\x00\x7e"s);
  EXPECT_EQ(header_of(Opcode::kText, 127), "\x81\x7e\x00\x7f"s);
  EXPECT_EQ(header_of(Opcode::kText, 65'535), "\x81\x7e\xff\xff"s);
  EXPECT_EQ(header_of(Opcode::kText, 65'536), "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(header_of(Opcode::kText, 0xffff'ffff), "\x81\x7f\x00\x00\x00\x00\xff\xff\xff\xff"s);
  EXPECT_EQ(header_of(Opcode::kText, INT64_MAX), "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"s);
}

TEST(FrameHeader, EveryOpcodeIsFinalAndUnmasked) {
  for (const Opcode opcode : {Opcode::kContinuation, Opcode::kText, Opcode::kBinary, Opcode::kClose,
                              Opcode::kPing, Opcode::kPong}) {
    const std::string header = header_of(opcode, 5);
    EXPECT_EQ(static_cast<std::uint8_t>(header[0]), 0x80 | static_cast<std::uint8_t>(opcode));
    EXPECT_EQ(header[1], 5);
  }
}

TEST(FrameHeader, WritesNothingBehindItself) {
  std::array<char, kMaxServerHeader> out{};
  out.fill('#');
  EXPECT_EQ(write_server_header(out, Opcode::kBinary, 126), 4U);
  EXPECT_EQ(Bytes(out.data() + 4, 6), "######");
}

TEST(FrameHeaderDeathTest, WrongUseIsCaught) {
  std::array<char, 3> small{};
  EXPECT_DEATH(write_server_header(small, Opcode::kText, 126), "CHECK");
  std::array<char, kMaxServerHeader> out{};
  EXPECT_DEATH(write_server_header(out, Opcode::kText, std::uint64_t{1} << 63), "CHECK");
  EXPECT_DEATH(make_frame(Opcode::kPing, std::string(126, 'x')), "CHECK");
  EXPECT_DEATH(make_close_frame(1006, ""), "CHECK");
  EXPECT_DEATH(make_close_frame(0, ""), "CHECK");
}

TEST(FrameHeader, AFrameIsItsHeaderAndItsPayload) {
  EXPECT_EQ(make_frame(Opcode::kText, "hello").view(), "\x81\x05hello");
  EXPECT_EQ(make_frame(Opcode::kBinary, {}).view(), "\x82\x00"s);
  const std::string long_payload(70'000, 'x');
  EXPECT_EQ(make_frame(Opcode::kText, long_payload).view(),
            "\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70"s + long_payload);
  const std::string longest_control(kMaxControlPayload, 'p');
  EXPECT_EQ(make_frame(Opcode::kPing, longest_control).view(), "\x89\x7d" + longest_control);
}

TEST(FrameHeader, ACloseFrameHasItsCodeAndReason) {
  EXPECT_EQ(make_close_frame(3001, "shutdown").view(), "\x88\x0a\x0b\xb9shutdown");
  EXPECT_EQ(make_close_frame(1000, "").view(), "\x88\x02\x03\xe8");
}

TEST(FrameHeader, ACloseFrameWithoutACodeIsEmpty) {
  EXPECT_EQ(make_close_frame(1005, "").view(), "\x88\x00"s);
  EXPECT_EQ(make_close_frame(1005, "no room without a code").view(), "\x88\x00"s);
}

TEST(FrameHeader, AReasonIsCutAt123Bytes) {
  for (const std::size_t size : {122, 123, 124, 1000}) {
    const SharedBytes frame = make_close_frame(1000, std::string(size, 'r'));
    EXPECT_EQ(frame.size(), 4 + std::min<std::size_t>(size, 123)) << size;
  }
}

TEST(FrameHeader, AReasonIsNeverCutInsideACharacter) {
  for (const std::string character : {"\u00e9", "\u20ac", "\U0001f600"}) {
    for (std::size_t before = 118; before <= 124; ++before) {
      const SharedBytes frame =
          make_close_frame(1000, std::string(before, 'a') + character + "tail");
      const Bytes reason = frame.view().substr(4);
      EXPECT_TRUE(utf8_valid(reason)) << before;
      EXPECT_LE(reason.size(), 123U);
      const bool fits = before + character.size() <= 123;
      EXPECT_EQ(reason.size() > before, fits) << before;
    }
  }
}

}  // namespace
}  // namespace millrace

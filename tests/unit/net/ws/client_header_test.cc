#include "net/ws/client_header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/client_frames.h"

namespace millrace {
namespace {

constexpr std::uint8_t kFinalText = 0x81;

// The header after it was read, whole and byte by byte with the same outcome.
ClientHeader read_header(const std::string& stream) {
  ClientHeader whole;
  Bytes input = stream;
  EXPECT_TRUE(whole.read(input)) << "no verdict";

  ClientHeader dripped;
  bool done = false;
  for (std::size_t at = 0; at < stream.size() && !done; ++at) {
    Bytes byte = Bytes(stream).substr(at, 1);
    done = dripped.read(byte);
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(dripped.refusal(), whole.refusal());
  EXPECT_EQ(dripped.raw(), whole.raw());
  EXPECT_EQ(dripped.length(), whole.length());
  return whole;
}

void expect_length(std::uint64_t length, LengthForm form) {
  const ClientHeader header = read_header(client_header(kFinalText, length, form));
  EXPECT_EQ(header.refusal(), "") << length;
  EXPECT_EQ(header.length(), length);
}

void expect_refused(std::uint64_t length, LengthForm form) {
  EXPECT_NE(read_header(client_header(kFinalText, length, form)).refusal(), "") << length;
}

TEST(ClientHeader, EveryFormOfLengthIsRead) {
  for (const std::uint64_t length : {0, 1, 125}) expect_length(length, LengthForm::k7Bits);
  for (const std::uint64_t length : {126, 127, 255, 256, 65'535}) {
    expect_length(length, LengthForm::k16Bits);
  }
  for (const std::uint64_t length :
       {std::uint64_t{65'536}, std::uint64_t{1} << 31, (std::uint64_t{1} << 32) - 1,
        std::uint64_t{1} << 32, (std::uint64_t{1} << 63) - 1}) {
    expect_length(length, LengthForm::k64Bits);
  }
}

TEST(ClientHeader, LongerFormsThanNeededAreRefused) {
  for (const std::uint64_t length : {0, 1, 124, 125}) expect_refused(length, LengthForm::k16Bits);
  for (const std::uint64_t length : {0, 125, 126, 65'534, 65'535}) {
    expect_refused(length, LengthForm::k64Bits);
  }
}

TEST(ClientHeader, TheHighestBitOfALengthIsRefused) {
  expect_refused(std::uint64_t{1} << 63, LengthForm::k64Bits);
  expect_refused(UINT64_MAX, LengthForm::k64Bits);
}

TEST(ClientHeader, EveryFirstByte) {
  for (int first = 0; first < 256; ++first) {
    const int opcode = first & 0x0f;
    const bool fin = (first & 0x80) != 0;
    const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
    const bool is_control = opcode >= 8;
    const bool good = known && (first & 0x70) == 0 && (fin || !is_control);
    const ClientHeader header = read_header(client_header(static_cast<std::uint8_t>(first), 5));
    EXPECT_EQ(header.refusal().empty(), good) << first;
    if (!good) continue;
    EXPECT_EQ(static_cast<int>(header.opcode()), opcode);
    EXPECT_EQ(header.fin(), fin);
    EXPECT_EQ(header.is_control(), is_control);
    EXPECT_EQ(header.length(), 5U);
  }
}

TEST(ClientHeader, UnmaskedFramesAreRefused) {
  for (const std::uint64_t length : {0, 5, 126, 65'536}) {
    const std::string stream =
        client_header(kFinalText, length, LengthForm::kMinimal, std::nullopt);
    EXPECT_EQ(read_header(stream).refusal(), "frames from a client must be masked");
  }
}

TEST(ClientHeader, ControlFramesHoldAtMost125Bytes) {
  for (const Opcode opcode : {Opcode::kClose, Opcode::kPing, Opcode::kPong}) {
    const auto first = static_cast<std::uint8_t>(kFinBit | static_cast<std::uint8_t>(opcode));
    EXPECT_EQ(read_header(client_header(first, 124)).refusal(), "");
    EXPECT_EQ(read_header(client_header(first, 125)).refusal(), "");
    for (const std::uint64_t length : {126, 127, 65'536}) {
      EXPECT_EQ(read_header(client_header(first, length)).refusal(),
                "control frames must hold at most 125 bytes");
    }
    EXPECT_NE(read_header(client_header(first, 5, LengthForm::k16Bits)).refusal(), "");
  }
}

TEST(ClientHeader, OnlyACloseMayNotHoldOneByte) {
  EXPECT_NE(read_header(client_header(0x88, 1)).refusal(), "");
  EXPECT_EQ(read_header(client_header(0x88, 0)).refusal(), "");
  EXPECT_EQ(read_header(client_header(0x88, 2)).refusal(), "");
  EXPECT_EQ(read_header(client_header(0x89, 1)).refusal(), "");
  EXPECT_EQ(read_header(client_header(0x8a, 1)).refusal(), "");
}

TEST(ClientHeader, TakesNoByteOfThePayload) {
  for (const std::uint64_t length : {0, 125, 126, 65'536}) {
    const std::string header = client_header(kFinalText, length);
    const std::string stream = header + "payload";
    Bytes input = stream;
    ClientHeader reader;
    ASSERT_TRUE(reader.read(input));
    EXPECT_EQ(input, "payload");
    EXPECT_EQ(reader.raw(), header);
    EXPECT_TRUE(reader.read(input));
    EXPECT_EQ(input, "payload");
  }
}

TEST(ClientHeader, HasNoVerdictBeforeItsLastByte) {
  for (const std::uint64_t length : {5, 126, 65'536}) {
    const std::string stream = client_header(kFinalText, length);
    for (std::size_t size = 0; size < stream.size(); ++size) {
      ClientHeader header;
      Bytes input = Bytes(stream).substr(0, size);
      EXPECT_FALSE(header.read(input)) << size;
      EXPECT_EQ(header.empty(), size == 0);
      EXPECT_TRUE(input.empty());
    }
  }
}

// Two bytes are enough for these: a peer that breaks a rule and then waits is answered.
TEST(ClientHeader, RefusesAtTheSecondByteWhatItCan) {
  for (const std::string& start : std::vector<std::string>{"\xc1\x85", "\x83\x85", "\x81\x05",
                                                           "\x09\x85", "\x89\xfe", "\x88\x81"}) {
    ClientHeader header;
    Bytes input = start;
    EXPECT_TRUE(header.read(input));
    EXPECT_NE(header.refusal(), "");
  }
}

TEST(ClientHeader, ResetForgetsTheFrame) {
  ClientHeader header;
  Bytes bad = "\xf1\x05";
  ASSERT_TRUE(header.read(bad));
  header.reset();
  EXPECT_TRUE(header.empty());
  EXPECT_EQ(header.refusal(), "");
  const std::string stream = client_header(0x82, 300);
  Bytes good = stream;
  ASSERT_TRUE(header.read(good));
  EXPECT_EQ(header.refusal(), "");
  EXPECT_EQ(header.opcode(), Opcode::kBinary);
  EXPECT_EQ(header.length(), 300U);
}

}  // namespace
}  // namespace millrace

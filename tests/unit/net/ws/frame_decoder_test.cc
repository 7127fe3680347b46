#include "net/ws/frame_decoder.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/allocated_bytes.h"
#include "tests/support/client_frames.h"
#include "tests/support/decode_frames.h"
#include "tests/support/frame_events.h"
#include "tests/support/random_frames.h"
#include "tests/support/wslay_events.h"

namespace millrace {
namespace {

using Lines = std::vector<std::string>;

Lines events_of(Bytes stream, const FrameLimits& limits = {}) {
  return decode_frames(stream, limits).lines;
}

std::string text(Bytes payload, bool fin = true) {
  return client_frame(Opcode::kText, payload, fin);
}
std::string binary(Bytes payload, bool fin = true) {
  return client_frame(Opcode::kBinary, payload, fin);
}
std::string more(Bytes payload, bool fin = true) {
  return client_frame(Opcode::kContinuation, payload, fin);
}
std::string ping(Bytes payload) { return client_frame(Opcode::kPing, payload); }
std::string pong(Bytes payload) { return client_frame(Opcode::kPong, payload); }

TEST(FrameDecoder, EveryOpcodeArrives) {
  EXPECT_EQ(
      events_of(text("hello") + binary(Bytes("\0\xff", 2)) + ping("a") + pong("b") +
                client_close_frame(1000, "bye")),
      (Lines{"text hello", std::string("binary \0\xff", 9), "ping a", "pong b", "close 1000 bye"}));
  EXPECT_EQ(events_of(text("") + binary("") + ping("") + pong("") + client_close_frame(1005)),
            (Lines{"text ", "binary ", "ping ", "pong ", "close 1005 "}));
}

TEST(FrameDecoder, ABadHeaderIsAProtocolError) {
  const std::string good = text("before");
  for (const std::string& header :
       {client_header(0xc1, 5), client_header(0x83, 5), client_header(0x8b, 5),
        client_header(0x81, 5, LengthForm::kMinimal, std::nullopt), client_header(0x09, 5),
        client_header(0x89, 126), client_header(0x88, 1),
        client_header(0x81, 125, LengthForm::k16Bits),
        client_header(0x81, 65'535, LengthForm::k64Bits), client_header(0x81, UINT64_MAX)}) {
    EXPECT_EQ(events_of(good + header + "xxxxx"), (Lines{"text before", "violation 1002"}));
  }
}

TEST(FrameDecoder, MessagesOfEverySizeClass) {
  const FrameLimits limits{.message_bytes = 200'000, .fragments = 1};
  for (const std::size_t size :
       {0, 1, 125, 126, 127, 4081, 4082, 4083, 4084, 4096, 4097, 65'535, 65'536, 200'000}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 7 % 128);
    EXPECT_EQ(events_of(text(payload), limits), Lines{"text " + payload}) << size;
  }
}

TEST(FrameDecoder, FragmentsBecomeOneMessage) {
  EXPECT_EQ(events_of(text("a", false) + more("b", false) + more("c")), Lines{"text abc"});
  EXPECT_EQ(events_of(binary("", false) + more("", false) + more("")), Lines{"binary "});
  EXPECT_EQ(events_of(binary("", false) + more("x")), Lines{"binary x"});
  EXPECT_EQ(events_of(text("a", false) + more("b") + binary("\xff")),
            (Lines{"text ab", "binary \xff"}));
}

TEST(FrameDecoder, FragmentsOutOfOrderAreProtocolErrors) {
  const Lines violation{"violation 1002"};
  EXPECT_EQ(events_of(more("a")), violation);
  EXPECT_EQ(events_of(more("a", false)), violation);
  EXPECT_EQ(events_of(text("a", false) + text("b")), violation);
  EXPECT_EQ(events_of(text("a", false) + binary("b", false)), violation);
  EXPECT_EQ(events_of(text("", false) + text("")), violation);
  EXPECT_EQ(events_of(ping("p") + more("a")), (Lines{"ping p", "violation 1002"}));
  EXPECT_EQ(events_of(text("a") + more("b")), (Lines{"text a", "violation 1002"}));
}

TEST(FrameDecoder, ControlFramesStandBetweenFragments) {
  EXPECT_EQ(
      events_of(text("a", false) + ping("1") + more("b", false) + pong("2") + ping("") + more("c")),
      (Lines{"ping 1", "pong 2", "ping ", "text abc"}));
  const std::string full(kMaxControlPayload, 'p');
  EXPECT_EQ(events_of(text("a", false) + ping(full) + ping(full) + more("b")),
            (Lines{"ping " + full, "ping " + full, "text ab"}));
  EXPECT_EQ(events_of(text("a", false) + client_close_frame(1001, "gone") + more("b")),
            Lines{"close 1001 gone"});
}

TEST(FrameDecoder, MessageLimit) {
  constexpr std::size_t kLimit = 1000;
  const FrameLimits limits{.message_bytes = kLimit, .fragments = 10};
  for (const std::size_t size : {kLimit - 1, kLimit, kLimit + 1}) {
    const std::string payload(size, 'x');
    const Lines expected{size <= kLimit ? "text " + payload : "violation 1009"};
    EXPECT_EQ(events_of(text(payload), limits), expected);
    EXPECT_EQ(events_of(text(payload.substr(0, 600), false) + more(payload.substr(600)), limits),
              expected);
    EXPECT_EQ(events_of(text("", false) + more(payload), limits), expected);
    EXPECT_EQ(events_of(text(payload, false) + ping("p") + more(""), limits),
              size <= kLimit ? (Lines{"ping p", expected[0]}) : expected);
  }
  const FrameLimits nothing{.message_bytes = 0, .fragments = 1};
  EXPECT_EQ(events_of(text("") + text("x"), nothing), (Lines{"text ", "violation 1009"}));
  EXPECT_EQ(events_of(ping("control frames are no message"), nothing),
            Lines{"ping control frames are no message"});
}

TEST(FrameDecoder, TheLimitActsOnTheHeaderAlone) {
  for (const std::uint64_t length : {std::uint64_t{65'537}, std::uint64_t{1} << 31,
                                     (std::uint64_t{1} << 32) - 1, std::uint64_t{INT64_MAX}}) {
    EXPECT_EQ(events_of(client_header(0x81, length)), Lines{"violation 1009"}) << length;
    EXPECT_EQ(events_of(text("begun", false) + client_header(0x80, length)),
              Lines{"violation 1009"});
  }
  EXPECT_EQ(events_of(client_header(0x81, std::uint64_t{1} << 63)), Lines{"violation 1002"});
}

TEST(FrameDecoder, ALimitThatShrinksInsideAMessageHolds) {
  FrameDecoder decoder;
  FrameEvents events;
  EXPECT_TRUE(decoder.feed(text("12345", false), {.message_bytes = 10, .fragments = 9}, events));
  EXPECT_FALSE(decoder.feed(more("6"), {.message_bytes = 4, .fragments = 9}, events));
  EXPECT_EQ(events.lines, Lines{"violation 1009"});
}

TEST(FrameDecoder, FragmentLimitCountsEmptyFragments) {
  constexpr std::uint32_t kLimit = 8;
  const FrameLimits limits{.message_bytes = 100, .fragments = kLimit};
  for (const Bytes part : {Bytes("x"), Bytes()}) {
    for (const std::uint32_t count : {kLimit - 1, kLimit, kLimit + 1}) {
      std::string stream = text(part, false);
      for (std::uint32_t i = 2; i < count; ++i) stream += more(part, false);
      stream += more(part);
      const Lines lines = events_of(stream + text("next"), limits);
      if (count > kLimit) {
        EXPECT_EQ(lines, Lines{"violation 1008"});
      } else {
        EXPECT_EQ(lines,
                  (Lines{"text " + std::string(part.empty() ? 0 : count, 'x'), "text next"}));
      }
    }
  }
}

TEST(FrameDecoder, EndlessEmptyFragmentsStopAtTheLimit) {
  FrameDecoder decoder;
  FrameEvents events;
  const FrameLimits limits;
  std::uint32_t accepted = 0;
  for (bool goes_on = decoder.feed(text("", false), limits, events); goes_on && accepted < 10'000;
       goes_on = decoder.feed(more("", false), limits, events)) {
    ++accepted;
  }
  EXPECT_EQ(accepted, limits.fragments);
  EXPECT_EQ(events.lines, Lines{"violation 1008"});
}

TEST(FrameDecoder, TextIsUtf8AcrossFragments) {
  const std::string smile = "\U0001f600";
  for (std::size_t cut = 0; cut <= smile.size(); ++cut) {
    EXPECT_EQ(events_of(text(smile.substr(0, cut), false) + ping("p") + more(smile.substr(cut))),
              (Lines{"ping p", "text " + smile}));
  }
  EXPECT_EQ(events_of(text("\xff")), Lines{"violation 1007"});
  EXPECT_EQ(events_of(text("\xed\xa0\x80")), Lines{"violation 1007"});
  EXPECT_EQ(events_of(text("a\xf0\x9f", false) + more("")), Lines{"violation 1007"});
  EXPECT_EQ(events_of(binary("\xf0\x9f") + text("ok")), (Lines{"binary \xf0\x9f", "text ok"}));
}

TEST(FrameDecoder, BadUtf8IsReportedBeforeTheMessageEnds) {
  FrameDecoder decoder;
  FrameEvents events;
  const std::string stream = client_header(0x01, 1000) + mask_payload("fine\xc0");
  const FrameLimits limits;
  EXPECT_TRUE(decoder.feed(Bytes(stream).substr(0, stream.size() - 1), limits, events));
  EXPECT_FALSE(decoder.feed(Bytes(stream).substr(stream.size() - 1), limits, events));
  EXPECT_EQ(events.lines, Lines{"violation 1007"});
}

TEST(FrameDecoder, CloseCodesAreChecked) {
  for (std::uint16_t code = 0; code <= 5000; ++code) {
    if (code == 1005) continue;
    const Lines expected{close_code_valid_on_wire(code) ? close_event(code, "why")
                                                        : std::string("violation 1002")};
    EXPECT_EQ(events_of(client_close_frame(code, "why")), expected) << code;
  }
  EXPECT_EQ(events_of(client_frame(Opcode::kClose, "\x03\xed")), Lines{"violation 1002"});  // 1005
  EXPECT_EQ(events_of(client_close_frame(1000, std::string(123, 'r'))),
            Lines{"close 1000 " + std::string(123, 'r')});
  EXPECT_EQ(events_of(client_close_frame(1000, "\xff")), Lines{"violation 1007"});
  EXPECT_EQ(events_of(client_close_frame(1000, "\xe2\x82")), Lines{"violation 1007"});
}

TEST(FrameDecoder, NothingIsDecodedAfterTheEnd) {
  for (const std::string& end : {client_close_frame(1000), client_header(0xf1, 0)}) {
    FrameDecoder decoder;
    FrameEvents events;
    EXPECT_FALSE(decoder.feed(end + text("same read"), {}, events));
    EXPECT_FALSE(decoder.feed(text("next read"), {}, events));
    EXPECT_EQ(events.lines.size(), 1U);
  }
  const std::string stream = text("1") + ping("2") + pong("3") + binary("4");
  for (std::size_t stop_at = 1; stop_at <= 4; ++stop_at) {
    FrameDecoder decoder;
    FrameEvents events;
    events.stop_at = stop_at;
    EXPECT_FALSE(decoder.feed(stream, {}, events));
    EXPECT_FALSE(decoder.feed(stream, {}, events));
    EXPECT_EQ(events.lines.size(), stop_at);
  }
}

TEST(FrameDecoder, AtRestOnlyBetweenMessages) {
  const std::string stream = text("abc", false) + ping("p") + more("") + binary("whole");
  const std::size_t first_end = stream.size() - binary("whole").size();
  FrameDecoder decoder;
  FrameEvents events;
  EXPECT_TRUE(decoder.at_rest());
  for (std::size_t at = 0; at < stream.size(); ++at) {
    EXPECT_TRUE(decoder.feed(Bytes(stream).substr(at, 1), {}, events));
    EXPECT_EQ(decoder.at_rest(), at + 1 == first_end || at + 1 == stream.size()) << at;
  }
  EXPECT_EQ(events.lines, (Lines{"ping p", "text abc", "binary whole"}));
}

TEST(FrameDecoder, ResetForgetsEverything) {
  const std::string whole = text("\u20ac", false) + ping("pp") + more("xyz");
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    FrameDecoder decoder;
    FrameEvents before;
    decoder.feed(Bytes(whole).substr(0, cut), {}, before);
    decoder.reset();
    EXPECT_FALSE(decoder.feed(text("bad \xff and more"), {}, before));
    decoder.reset();
    EXPECT_TRUE(decoder.at_rest());
    FrameEvents after;
    EXPECT_TRUE(decoder.feed(whole, {}, after));
    EXPECT_EQ(after.lines, (Lines{"ping pp", "text \u20acxyz"})) << cut;
  }
}

TEST(FrameDecoder, SplitTorture) {
  const std::string character = "\U0001f600";
  const std::string full(kMaxControlPayload, 'c');
  const FrameLimits limits{.message_bytes = 400, .fragments = 4};
  for (const std::string& stream :
       {text("hello") + binary("\xff\xfe") + text(""),
        text(std::string(126, 'a')) + binary(std::string(300, 'b')),
        text(character.substr(0, 1), false) + ping("in") + more(character.substr(1, 2), false) +
            pong("") + more(character.substr(3)) + client_close_frame(1000, character),
        ping(full) + pong(full) + ping(""), client_close_frame(1005) + text("after"),
        client_close_frame(1006) + text("after"), client_close_frame(4000, "\xff"),
        text("good") + text("bad \xed\xa0\x80 tail"), text("half \xe2\x82"),
        text("", false) + more("", false) + more("", false) + more("", false) + more(""),
        text(std::string(200, 'x'), false) + more(std::string(200, 'y')),
        text(std::string(200, 'x'), false) + more(std::string(201, 'y')), ping("p") + more("lost"),
        text("a", false) + text("b"), client_header(0x81, UINT64_MAX),
        client_header(0x82, INT64_MAX), client_header(0x81, 100, LengthForm::k64Bits) + "x",
        client_header(0xa1, 3) + "abc", client_header(0x88, 1) + "a"}) {
    expect_same_however_cut(stream, limits);
  }
}

TEST(FrameDecoder, RandomStreamsMeanTheSameHoweverCut) {
  std::mt19937_64 random(20'240);
  for (int round = 0; round < 600; ++round) {
    const bool lawful = round % 2 == 0;
    const std::string stream =
        lawful ? random_frames(random, 70'000) : random_lawless_frames(random, 70'000);
    if (stream.empty()) continue;
    const FrameLimits limits{.message_bytes = 70'000, .fragments = 10};
    const Lines whole = events_of(stream, limits);
    for (int cut = 0; cut < 4; ++cut) {
      const std::size_t piece = 1 + random() % 5000;
      EXPECT_EQ(decode_frames(stream, limits, random() % stream.size() + 1, piece).lines, whole);
    }
  }
}

TEST(FrameDecoder, SeesWhatWslaysEventsSee) {
  constexpr std::size_t kMessageBytes = 70'000;
  std::mt19937_64 random(1);
  for (int round = 0; round < 2'000; ++round) {
    const std::string stream = random_frames(random, kMessageBytes);
    const FrameLimits limits{.message_bytes = kMessageBytes, .fragments = 10};
    const Decoded ours = decode_frames(stream, limits);
    ASSERT_EQ(ours.lines, wslay_events(stream, kMessageBytes)) << round;
    EXPECT_TRUE(ours.at_rest);
  }
}

// We refuse more than wslay does, and never see anything that it does not.
TEST(FrameDecoder, SeesNothingInABrokenStreamThatWslayDoesNot) {
  constexpr std::size_t kMessageBytes = 5'000;
  std::mt19937_64 random(2);
  int violations = 0;
  for (int round = 0; round < 5'000; ++round) {
    const std::string stream = random_lawless_frames(random, kMessageBytes);
    const FrameLimits limits{.message_bytes = kMessageBytes, .fragments = 10};
    Lines ours = events_of(stream, limits);
    if (!ours.empty() && ours.back().starts_with("violation ")) {
      ++violations;
      ours.pop_back();
    }
    // wslay does not know 1012 to 1014, which were registered after it was written.
    if (!ours.empty() && ours.back().starts_with("close 101")) ours.pop_back();
    Lines theirs = wslay_events(stream, kMessageBytes);
    ASSERT_GE(theirs.size(), ours.size()) << round;
    theirs.resize(ours.size());
    ASSERT_EQ(ours, theirs) << round;
  }
  EXPECT_GT(violations, 500);
}

TEST(FrameDecoder, MemoryGrowsWithWhatWasReceived) {
  constexpr std::size_t kLimit = 64 << 20;
  const FrameLimits limits{.message_bytes = kLimit, .fragments = 10};
  FrameDecoder decoder;
  FrameEvents events;
  std::int64_t before = allocated_bytes();
  {
    const std::string seen(100'000, 'x');
    ASSERT_GE(allocated_bytes() - before, 100'000) << "this allocator can't be read";
  }
  const std::string start = client_header(0x82, kLimit) + "x";
  ASSERT_TRUE(decoder.feed(binary(""), limits, events));  // what a decoder needs at all
  before = allocated_bytes();
  ASSERT_TRUE(decoder.feed(start, limits, events));
  EXPECT_LE(allocated_bytes() - before, 300);
  ASSERT_TRUE(decoder.feed(std::string(50'000, 'x'), limits, events));
  EXPECT_GE(allocated_bytes() - before, 50'000);
  EXPECT_LE(allocated_bytes() - before, 2 * 50'001 + 300);
  decoder.reset();
  EXPECT_LE(allocated_bytes() - before, static_cast<std::int64_t>(FrameDecoder::kKeptCapacity));
}

TEST(FrameDecoder, AMessageInOnePieceIsNotCopied) {
  const std::string stream = binary(std::string(4000, 'x'));
  FrameDecoder decoder;
  struct : FrameEvents {
    bool on_message(Opcode, Bytes payload) override {
      held = allocated_bytes();
      size = payload.size();
      return true;
    }
    std::size_t size = 0;
    std::int64_t held = 0;
  } handler;
  ASSERT_TRUE(decoder.feed(binary(""), {}, handler));  // what a decoder needs at all
  const std::int64_t before = allocated_bytes();
  ASSERT_TRUE(decoder.feed(stream, {}, handler));
  EXPECT_EQ(handler.size, 4000U);
  EXPECT_EQ(handler.held, before);
}

// Where it stops of itself nothing is lost or begun, wherever the input is cut.
TEST(FrameDecoder, FedToRestItTakesAMessageOrAControlFrameAtATime) {
  const std::string stream = text("a", false) + ping("in it") + more("b") + ping("") + pong("p") +
                             binary("") + text("last") + client_close_frame(1000, "bye");
  const Lines all = events_of(stream);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameDecoder decoder;
    FrameEvents events;
    bool going_on = true;
    int rests = 0;
    for (Bytes read : {Bytes(stream).substr(0, cut), Bytes(stream).substr(cut)}) {
      while (!read.empty()) {
        const std::size_t before = events.lines.size();
        going_on = decoder.feed_to_rest(read, {}, events);
        EXPECT_TRUE(read.empty() || decoder.at_rest());
        const std::size_t told = events.lines.size() - before;
        EXPECT_LE(told, 2U);  // the first message, and the ping in it
        if (told > 0 && decoder.at_rest()) ++rests;
      }
    }
    EXPECT_FALSE(going_on);
    EXPECT_EQ(rests, 6);
    EXPECT_EQ(events.lines, all);
  }
}

}  // namespace
}  // namespace millrace

#include "bench/load/payload.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

std::string payload(const Marks& marks, std::size_t size) {
  std::string text;
  append_payload(text, marks, size);
  return text;
}

TEST(Payload, HasTheSizeAskedForWhateverItsMarks) {
  const Marks small{.seq = 1, .by = 0, .at = Instant{1}};
  const Marks large{.seq = UINT32_MAX, .by = UINT32_MAX, .at = Instant{INT64_MAX - 1}};
  for (std::size_t size = kLeastPayload; size < kLeastPayload + 80; ++size) {
    EXPECT_EQ(payload(small, size).size(), size);
    EXPECT_EQ(payload(large, size).size(), size);
  }
}

TEST(Payload, LooksLikeThis) {
  EXPECT_EQ(payload({.seq = 7, .by = 2, .at = Instant{1234}}, 64),
            R"({"seq":7,"at":1234,"by":2,"pad":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})");
}

TEST(Payload, MarksComeBackOutOfAPush) {
  const Marks marks{.seq = 12, .by = 3, .at = Instant{987'654'321}};
  const std::string push =
      R"({"push":{"channel":"seq","pub":{"data":)" + payload(marks, 200) + "}}}";
  const Marks found = find_marks(push);
  EXPECT_EQ(found.seq, 12U);
  EXPECT_EQ(found.by, 3U);
  EXPECT_EQ(found.at, marks.at);
}

TEST(Payload, OfOthersOnlyTheNumberIsNeeded) {
  const Marks found = find_marks(R"({"seq":41,"text":"hello"})");
  EXPECT_EQ(found.seq, 41U);
  EXPECT_EQ(found.by, 0U);
  EXPECT_EQ(found.at, Instant::never());
}

TEST(Payload, WhatHasNoNumberHasNoMarks) {
  for (const char* text : {"", "{}", R"({"seq":})", R"({"seq":"1"})", R"({"seq":99999999999})"}) {
    EXPECT_EQ(find_marks(text).seq, 0U) << text;
  }
}

}  // namespace
}  // namespace millrace::load

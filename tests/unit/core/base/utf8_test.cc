#include "core/base/utf8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace millrace {
namespace {

std::string encode(std::uint32_t point) {
  std::string out;
  auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x1'0000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
  return out;
}

struct Verdict {
  std::size_t viable = 0;  // bytes before the first one after which nothing valid can follow
  bool complete = false;
};

// Another way to the same answer: decode the bits and ask which numbers could still come out.
bool can_become_valid(std::uint32_t value, int bytes, int missing) {
  const std::uint32_t low = value << (6 * missing);
  const std::uint32_t high = low | ((1U << (6 * missing)) - 1);
  auto meets = [low, high](std::uint32_t first, std::uint32_t last) {
    return low <= last && high >= first;
  };
  if (bytes == 2) return meets(0x80, 0x7ff);
  if (bytes == 3) return meets(0x800, 0xd7ff) || meets(0xe000, 0xffff);
  return meets(0x1'0000, 0x10'ffff);
}

Verdict reference(Bytes text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const int bytes = lead >> 5 == 0b110     ? 2
                      : lead >> 4 == 0b1110  ? 3
                      : lead >> 3 == 0b11110 ? 4
                                             : 0;
    if (bytes == 0) return {at, false};
    std::uint32_t value = lead & (0xffU >> (bytes + 1));
    int missing = bytes - 1;
    if (!can_become_valid(value, bytes, missing)) return {at, false};
    for (++at; missing > 0; ++at) {
      if (at == text.size()) return {at, false};
      const auto byte = static_cast<std::uint8_t>(text[at]);
      if (byte >> 6 != 0b10) return {at, false};
      value = value << 6 | (byte & 0x3fU);
      --missing;
      if (!can_become_valid(value, bytes, missing)) return {at, false};
    }
  }
  return {at, true};
}

// Byte by byte: the verdict falls at exactly the offending byte and stays.
void expect_like_reference(Bytes text) {
  const Verdict want = reference(text);
  Utf8Validator validator;
  for (std::size_t at = 0; at < text.size(); ++at) {
    ASSERT_EQ(validator.feed(text.substr(at, 1)), at < want.viable)
        << "byte " << at << " of " << testing::PrintToString(std::string(text));
  }
  ASSERT_EQ(validator.complete(), want.complete) << testing::PrintToString(std::string(text));
  ASSERT_EQ(utf8_valid(text), want.complete) << testing::PrintToString(std::string(text));
}

TEST(Utf8, EmptyIsValid) {
  EXPECT_TRUE(utf8_valid(""));
  Utf8Validator validator;
  EXPECT_TRUE(validator.complete());
  EXPECT_TRUE(validator.feed(""));
  EXPECT_TRUE(validator.complete());
}

TEST(Utf8, EveryCodePoint) {
  for (std::uint32_t point = 0; point <= 0x11'ffff; ++point) {
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    ASSERT_EQ(utf8_valid(encode(point)), point <= 0x10'ffff && !surrogate) << std::hex << point;
  }
}

TEST(Utf8, OverlongFormsAreInvalid) {
  EXPECT_FALSE(utf8_valid("\xc0\x80"));
  EXPECT_FALSE(utf8_valid("\xc0\xaf"));
  EXPECT_FALSE(utf8_valid("\xc1\xbf"));
  EXPECT_FALSE(utf8_valid("\xe0\x80\xaf"));
  EXPECT_FALSE(utf8_valid("\xe0\x9f\xbf"));
  EXPECT_FALSE(utf8_valid("\xf0\x80\x80\xaf"));
  EXPECT_FALSE(utf8_valid("\xf0\x8f\xbf\xbf"));
  EXPECT_FALSE(utf8_valid("\xf8\x88\x80\x80\x80"));
  EXPECT_FALSE(utf8_valid("\xfc\x84\x80\x80\x80\x80"));
}

// All strings of one to four bytes over every byte at which a rule changes.
TEST(Utf8, ExhaustiveOverBoundaryBytes) {
  constexpr std::array<std::uint8_t, 26> kBytes = {
      0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
      0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
  constexpr std::size_t kBase = kBytes.size() + 1;  // one digit more: no byte
  for (std::size_t number = 0; number < kBase * kBase * kBase * kBase; ++number) {
    std::string text;
    for (std::size_t rest = number; rest > 0; rest /= kBase) {
      if (rest % kBase > 0) text.push_back(static_cast<char>(kBytes[rest % kBase - 1]));
    }
    expect_like_reference(text);
    if (HasFatalFailure()) return;
  }
}

TEST(Utf8, EveryOneAndTwoByteString) {
  for (int first = 0; first < 256; ++first) {
    expect_like_reference(std::string(1, static_cast<char>(first)));
    for (int second = 0; second < 256; ++second) {
      expect_like_reference(std::string{static_cast<char>(first), static_cast<char>(second)});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Utf8, EverySplitGivesTheSameAnswer) {
  const std::vector<std::string> texts = {
      "plain ASCII, longer than two words of eight",
      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 caf\xc3\xa9 \xf0\x9f\x8e\xa1 end",
      "\xce\xba\xe1\xbd\xb9 then \xed\xa0\x80 edited",
      "ends inside \xf0\x9f\x8e",
      "abcdefgh\xf4\x90\x80\x80 too big",
  };
  for (const std::string& text : texts) {
    const bool want = reference(text).complete;
    for (std::size_t one = 0; one <= text.size(); ++one) {
      for (std::size_t two = one; two <= text.size(); ++two) {
        Utf8Validator validator;
        bool ok = validator.feed(Bytes(text).substr(0, one));
        ok = validator.feed(Bytes(text).substr(one, two - one)) && ok;
        ok = validator.feed(Bytes(text).substr(two)) && ok;
        ASSERT_EQ(ok && validator.complete(), want) << text << " at " << one << ", " << two;
      }
    }
  }
}

// The fast way looks at eight bytes at once; a bad byte at any place among them must be seen, and
// none behind the text is read (the sanitizer's part: the memory ends with the text).
TEST(Utf8, BadByteAtEveryOffset) {
  for (std::size_t size = 1; size <= 40; ++size) {
    const auto memory = std::make_unique<char[]>(size);
    const Bytes text(memory.get(), size);
    std::fill_n(memory.get(), size, 'a');
    ASSERT_TRUE(utf8_valid(text));
    for (std::size_t at = 0; at < size; ++at) {
      for (const char bad : {'\xff', '\x80'}) {
        memory[at] = bad;
        ASSERT_FALSE(utf8_valid(text)) << at << " of " << size;
      }
      memory[at] = 'a';
    }
  }
}

TEST(Utf8Validator, StaysInvalidUntilReset) {
  Utf8Validator validator;
  EXPECT_FALSE(validator.feed("\xff"));
  EXPECT_FALSE(validator.feed("a"));
  EXPECT_FALSE(validator.feed(""));
  EXPECT_FALSE(validator.complete());
  validator.reset();
  EXPECT_TRUE(validator.complete());
  EXPECT_TRUE(validator.feed("a"));
}

TEST(Utf8Validator, IncompleteInsideACharacter) {
  Utf8Validator validator;
  for (const char* byte : {"\xf0", "\x9f", "\x8e"}) {
    EXPECT_TRUE(validator.feed(byte));
    EXPECT_FALSE(validator.complete());
  }
  EXPECT_TRUE(validator.feed("\xa1"));
  EXPECT_TRUE(validator.complete());
  // The narrowed range of one lead must not leak into the next character.
  EXPECT_TRUE(validator.feed("\xe0\xa0\x80\xe1\x80\x80"));
  EXPECT_TRUE(validator.complete());
}

}  // namespace
}  // namespace millrace

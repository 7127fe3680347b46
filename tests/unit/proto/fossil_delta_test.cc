#include "proto/fossil_delta.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "core/base/utf8.h"
#include "tests/support/fossil_apply.h"
#include "tests/unit/proto/random_json.h"

namespace millrace {
namespace {

// The patch, which gives `to` again; empty if there is none.
std::string patch_of(const std::string& from, const std::string& to) {
  std::string patch = "left from before";
  if (!make_fossil_delta(from, to, patch)) {
    EXPECT_EQ(patch, "");
    return "";
  }
  EXPECT_LT(patch.size(), to.size());
  EXPECT_EQ(apply_fossil_delta(from, patch), to) << patch;
  EXPECT_TRUE(!utf8_valid(to) || utf8_valid(patch)) << patch;
  return patch;
}

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string repeated(const std::string& piece, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += piece;
  return all;
}

TEST(FossilDeltaTest, BytesAsTheFormatHasThem) {
  // 65 is two digits, 30 is U, 34 is Y and 31 is V; 207UxP is the sum of 17 words.
  const std::string from = std::string(30, 'a') + "1" + std::string(34, 'b');
  const std::string to = std::string(30, 'a') + "2" + std::string(34, 'b');
  EXPECT_EQ(patch_of(from, to), "11\nU@0,1:2Y@V,207UxP;");
}

TEST(FossilDeltaTest, TheSameAgainIsOneCopy) {
  const std::string text(1'000, 'x');
  EXPECT_EQ(patch_of(text, text).substr(0, 8), "Fd\nFd@0,");
}

TEST(FossilDeltaTest, WhatDoesNotPayIsNoPatch) {
  EXPECT_EQ(patch_of("", "anything"), "");
  EXPECT_EQ(patch_of("anything", ""), "");
  EXPECT_EQ(patch_of("", ""), "");
  EXPECT_EQ(patch_of("1", "1"), "");
  EXPECT_EQ(patch_of(R"({"a":1})", R"({"a":1})"), "");
  EXPECT_EQ(patch_of(std::string(100, 'a'), std::string(100, 'b')), "");
  std::mt19937_64 random(1);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(patch_of(random_bytes(random, 5'000), random_bytes(random, 5'000)), "");
  }
}

// The shortest patch there is, for a payload that stays the same, against every size around it.
TEST(FossilDeltaTest, PaysFromTheFirstByteOn) {
  std::size_t first = 0;
  for (std::size_t size = 1; size < 40; ++size) {
    const bool pays = !patch_of(std::string(size, 'a'), std::string(size, 'a')).empty();
    if (pays && first == 0) first = size;
    EXPECT_EQ(pays, first != 0) << size;
  }
  EXPECT_GT(first, 8U);
  EXPECT_LT(first, 16U);
}

TEST(FossilDeltaTest, SmallChangesOfAPayloadMakeSmallPatches) {
  const std::string news =
      "\"Water turns the wheel, the wheel turns the stone, the stone makes flour\"";
  const std::string from = R"({"seq":1041,"price":10.25,"text":)" + news + R"(,"at":1700000000})";
  const std::string to = R"({"seq":1042,"price":10.75,"text":)" + news + R"(,"at":1700000001})";
  EXPECT_LT(patch_of(from, to).size(), 55U);
  // A member that came in front and one that went.
  EXPECT_LT(patch_of(from, R"({"new":true,)" + to.substr(1)).size(), 70U);
  EXPECT_LT(patch_of(from, "{\"text\":" + news + "}").size(), 30U);
}

TEST(FossilDeltaTest, MovedPartsAreFound) {
  std::mt19937_64 random(2);
  const std::string a = random_bytes(random, 2'000);
  const std::string b = random_bytes(random, 2'000);
  const std::string c = random_bytes(random, 2'000);
  EXPECT_LT(patch_of(a + b + c, c + "between" + a + b + b).size(), 100U);
}

TEST(FossilDeltaTest, RowsThatAllChangeAndLookAlike) {
  const auto table = [](int seed) {
    std::string rows = "[";
    for (int i = 0; i < 500; ++i) {
      rows += R"({"symbol":"MILL)" + std::to_string(i) + R"(","bid":)" +
              std::to_string((i * 7'919 + seed) % 9'000 + 1'000) + R"(,"venue":"river"},)";
    }
    return rows + "0]";
  };
  const std::string to = table(5);
  // 500 changed numbers of 4 digits, and what names their places.
  EXPECT_LT(patch_of(table(3), to).size(), to.size() / 3);
}

TEST(FossilDeltaTest, InsertionsAreWholeCharacters) {
  const std::vector<std::string> alphabet = {"a", "é", "è", "水", "車", "🚀", "🚁", "\u0800"};
  std::mt19937_64 random(3);
  std::size_t made = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::vector<std::string> characters;
    for (std::size_t i = 10 + random() % 200; i > 0; --i) {
      characters.push_back(alphabet[random() % alphabet.size()]);
    }
    std::string from;
    for (const std::string& character : characters) from += character;
    for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) {
      characters[random() % characters.size()] = alphabet[random() % alphabet.size()];
    }
    std::string to;
    for (const std::string& character : characters) to += character;
    if (!patch_of(from, to).empty()) ++made;  // looks at the patch's own UTF-8
  }
  EXPECT_GT(made, 2'500U);
}

TEST(FossilDeltaTest, BytesThatAreNoTextAtAll) {
  // Not one byte where a character could begin: no copy can be cut to fit, unless it is all.
  EXPECT_EQ(
      patch_of("x" + std::string(500, '\x80'), std::string(500, '\x80') + "\x81").substr(0, 4), "");
  EXPECT_NE(patch_of(std::string(500, '\x80'), std::string(500, '\x80')), "");
  std::mt19937_64 random(4);
  for (int i = 0; i < 500; ++i) {
    const std::string from = random_bytes(random, 1 + random() % 3'000);
    std::string to = from;
    to.insert(random() % to.size(), random_bytes(random, random() % 20));
    patch_of(from, to.substr(random() % to.size()));
  }
}

TEST(FossilDeltaTest, RandomChangesComeBack) {
  test::RandomJson random(5);
  std::size_t made = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::string from;
    while (from.size() < 60) from += random.value();
    const std::string to = random.damaged(from) + (random.below(3) == 0 ? random.value() : "");
    if (!patch_of(from, to).empty()) ++made;
  }
  EXPECT_GT(made, 3'000U);
}

TEST(FossilDeltaTest, InputLimitIsExact) {
  const std::string most(kMaxFossilInput, 'a');
  EXPECT_NE(patch_of(most, most), "");
  EXPECT_NE(patch_of(most.substr(1), most), "");
  EXPECT_EQ(patch_of(most + "a", most), "");
  EXPECT_EQ(patch_of(most, most + "a"), "");
}

// Inputs made to cost much: chains of equal blocks, matches that lead nowhere, bytes that can't be
// cut. That they end in good time is what the test's own time limit looks at.
TEST(FossilDeltaTest, CostlyInputsEnd) {
  const std::size_t most = kMaxFossilInput;
  std::mt19937_64 random(6);
  const std::string zeros(most, '\0');
  const std::string marks(most, '\x80');
  const std::string blocks = repeated("abcdefgh", most / 8);
  const std::string nearly = repeated("abcdefgh1", most / 9);
  const std::string noise = random_bytes(random, most);
  const std::vector<std::string> all = {
      zeros,
      marks,
      blocks,
      nearly,
      noise,
      std::string(most / 2, 'a') + "b" + std::string(most / 2 - 1, 'a'),
      "\x80" + std::string(most - 1, '\x81')};
  for (const std::string& from : all) {
    for (const std::string& to : all) {
      const std::string patch = patch_of(from, to);
      EXPECT_EQ(from == to, !patch.empty() && patch.size() < 20) << patch.size();
    }
  }
}

TEST(FossilApplyTest, RefusesWhatACarefulMakerDoesNotMake) {
  const std::string from = "0123456789";
  std::string patch;
  ASSERT_TRUE(make_fossil_delta(std::string(30, 'a'), std::string(30, 'a'), patch));
  ASSERT_TRUE(apply_fossil_delta(std::string(30, 'a'), patch));
  EXPECT_FALSE(apply_fossil_delta(std::string(29, 'a'), patch));
  EXPECT_FALSE(apply_fossil_delta(std::string(30, 'b'), patch));
  EXPECT_FALSE(apply_fossil_delta(std::string(30, 'a'), patch + " "));
  EXPECT_FALSE(apply_fossil_delta(std::string(30, 'a'), "0" + patch));
  for (std::size_t size = 0; size < patch.size(); ++size) {
    EXPECT_FALSE(apply_fossil_delta(std::string(30, 'a'), patch.substr(0, size)));
  }
  for (const char* bad : {"", "0", "0\n", "0\n0:0;", "0\n0@0,0;", "1\n1:a0;", "0\n1;", "2\n2@9,0;",
                          "1\n1@A,0;", "0\n0@zzzzzzz,0;", "\n0;", "-1\n0;", "0\n;"}) {
    EXPECT_FALSE(apply_fossil_delta(from, bad)) << bad;
  }
  EXPECT_EQ(apply_fossil_delta(from, "0\n0;"), "");
}

}  // namespace
}  // namespace millrace

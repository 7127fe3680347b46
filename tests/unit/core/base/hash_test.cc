#include "core/base/hash.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

namespace millrace {
namespace {

constexpr HashKey kReferenceKey{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908};

// Of the texts 00, 00 01, 00 01 02 ... under the key 00 01 .. 0f, as in the reference
// implementation's own test; the first is the empty text.
constexpr std::array<std::uint64_t, 64> kReference = {
    0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
    0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
    0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
    0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956,
    0xcc4fdd1a7d908b66, 0x9cf2689063dbd80c, 0x8ffc389cb473e63e, 0xf21f9de58d297d1c,
    0xc0dc2f46a6cce040, 0xb992abfe2b45f844, 0x7ffe7b9ba320872e, 0x525a0e7fdae6c123,
    0xf464aeb267349c8c, 0x45cd5928705b0979, 0x3a3e35e3ca9913a5, 0xa91dc74e4ade3b35,
    0xfb0bed02ef6cd00d, 0x88d93cb44ab1e1f4, 0x540f11d643c5e663, 0x2370dd1f8c21d1bc,
    0x81157b6c16a7b60d, 0x4d54b9e57a8ff9bf, 0x759f12781f2a753e, 0xcea1a3bebf186b91,
    0x2cf508d3ada26206, 0xb6101c2da3c33057, 0xb3f47496ae3a36a1, 0x626b57547b108392,
    0xc1d2363299e41531, 0x667cc1923f1ad944, 0x65704ffec8138825, 0x24f280d1c28949a6,
    0xc2ca1cedfaf8876b, 0xc2164bfc9f042196, 0xa16e9c9368b1d623, 0x49fb169c8b5114fd,
    0x9f3143f8df074c46, 0xc6fdaf2412cc86b3, 0x7eaf49d10a52098f, 0x1cf313559d292f9a,
    0xc44a30dda2f41f12, 0x36fae98943a71ed0, 0x318fb34c73f0bce6, 0xa27abf3670a7e980,
    0xb4bcc0db243c6d75, 0x23f8d852fdb71513, 0x8f035f4da67d8a08, 0xd89cd0e5b7e8f148,
    0xf6f4e6bcf7a644ee, 0xaec59ad80f1837f2, 0xc3b2f6154b6694e0, 0x9d199062b7bbb3a8,
};

TEST(SipHash13, ReferenceVectors) {
  std::string text;
  for (std::size_t size = 0; size < kReference.size(); ++size) {
    EXPECT_EQ(siphash_1_3(kReferenceKey, text), kReference[size]) << size;
    text.push_back(static_cast<char>(size));
  }
}

// CPython's hash() of bytes with PYTHONHASHSEED=0.
TEST(SipHash13, AgreesWithPythonUnderTheZeroKey) {
  EXPECT_EQ(siphash_1_3({}, ""), 0xd1fb'a762'150c'532c);
  EXPECT_EQ(siphash_1_3({}, "siphash"), 0x8264'ceec'cb16'bcbe);
}

// The bytes are read wherever they lie, and no further than they reach (the sanitizer's part).
TEST(SipHash13, AnyAlignmentAndExactBounds) {
  std::string text;
  for (std::size_t size = 0; size < kReference.size(); ++size) {
    for (std::size_t offset = 0; offset < 8; ++offset) {
      const auto memory = std::make_unique<char[]>(offset + size);
      for (std::size_t i = 0; i < size; ++i) memory[offset + i] = static_cast<char>(i);
      EXPECT_EQ(siphash_1_3(kReferenceKey, Bytes(memory.get() + offset, size)), kReference[size]);
    }
  }
}

TEST(SipHash13, BothHalvesOfTheKeyCount) {
  const std::uint64_t zero = siphash_1_3({0, 0}, "news");
  EXPECT_NE(siphash_1_3({1, 0}, "news"), zero);
  EXPECT_NE(siphash_1_3({0, 1}, "news"), zero);
}

TEST(HashBytes, OneKeyAProcess) {
  EXPECT_EQ(hash_bytes("news"), hash_bytes(std::string("news")));
  EXPECT_NE(hash_bytes("news"), hash_bytes("newt"));
  EXPECT_NE(hash_bytes("news"), siphash_1_3({}, "news")) << "the process's key is not random";
}

// The child of a threadsafe death test runs this binary anew, up to here, with our environment.
TEST(HashBytesDeathTest, AnotherProcessHasAnotherKey) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  constexpr const char* kVariable = "MILLRACE_TEST_PARENT_HASH";
  const std::string ours = std::to_string(hash_bytes("news"));
  ASSERT_EQ(setenv(kVariable, ours.c_str(), /*overwrite=*/0), 0);
  EXPECT_EXIT(std::_Exit(std::getenv(kVariable) == ours ? 1 : 0), testing::ExitedWithCode(0), "");
  unsetenv(kVariable);
}

TEST(BytesHash, LooksUpAViewInATableOfStrings) {
  boost::unordered_flat_map<std::string, int, BytesHash, std::equal_to<>> table;
  table["game:abc"] = 7;
  const auto found = table.find(Bytes("game:abc"));
  ASSERT_NE(found, table.end());
  EXPECT_EQ(found->second, 7);
  EXPECT_EQ(table.find(Bytes("game:abd")), table.end());
  EXPECT_EQ(table.find(Bytes("")), table.end());
}

// Names that differ in one byte fall all over: 64k of them share no value, and the low seven bits
// (which a flat table probes by) are even.
TEST(BytesHash, SpreadsSimilarNames) {
  std::unordered_set<std::uint64_t> seen;
  std::array<int, 128> buckets{};
  for (int i = 0; i < 65'536; ++i) {
    const std::uint64_t hash = BytesHash()("room:" + std::to_string(i));
    EXPECT_TRUE(seen.insert(hash).second);
    ++buckets[hash % buckets.size()];
  }
  for (const int count : buckets) {
    EXPECT_GT(count, 350);  // 512 on average, deviation 23
    EXPECT_LT(count, 680);
  }
}

TEST(Hash, AKeyThatIsSetIsUsed) {
  const HashKey key{1, 2};
  set_hash_key(key);
  EXPECT_EQ(hash_bytes("channel"), siphash_1_3(key, "channel"));
  set_hash_key({3, 4});
  EXPECT_NE(hash_bytes("channel"), siphash_1_3(key, "channel"));
}

}  // namespace
}  // namespace millrace

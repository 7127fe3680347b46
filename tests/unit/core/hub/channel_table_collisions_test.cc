// Names that collide under hashes that anybody can compute cost a table no more than others.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/hash.h"
#include "core/hub/channel_table.h"

namespace millrace {
namespace {

using Names = std::vector<std::string>;

// --- libstdc++'s std::hash: MurmurHash64A with a known seed --------------------------------------

constexpr std::uint64_t kMul = 0xc6a4a7935bd1e995;
constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;

std::uint64_t mixed(std::uint64_t value) { return value ^ (value >> 47); }  // and back

std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t inverse = odd;  // right in the last three bits; each step doubles them
  for (int i = 0; i < 5; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

// The block that differs from `block` in the top bit of what is xored into the state. A product
// with an odd number keeps such a difference, so the next block's takes it away again.
std::uint64_t twin(std::uint64_t block) {
  const std::uint64_t inverse = inverse_of(kMul);
  const std::uint64_t data = mixed(block * kMul) * kMul;
  return mixed((data ^ kTopBit) * inverse) * inverse;
}

// 2^pairs names of 16 bytes a pair, all of one hash.
Names murmur_names(unsigned pairs) {
  Names names;
  for (std::uint32_t choice = 0; choice < 1U << pairs; ++choice) {
    std::string name;
    for (unsigned pair = 0; pair < pairs; ++pair) {
      for (const std::uint64_t seed : {0x1111 + pair, 0x7777 + pair}) {
        const std::uint64_t plain = seed * 0x9e3779b97f4a7c15;
        const std::uint64_t block = ((choice >> pair) & 1) != 0 ? twin(plain) : plain;
        char bytes[sizeof block];
        std::memcpy(bytes, &block, sizeof block);
        name.append(bytes, sizeof block);
      }
    }
    names.push_back(std::move(name));
  }
  return names;
}

// --- FNV-1a --------------------------------------------------------------------------------------

constexpr std::uint64_t kPrime = 0x100000001b3;

std::uint64_t fnv(std::uint64_t state, std::string_view text) {
  for (const char each : text) state = (state ^ static_cast<unsigned char>(each)) * kPrime;
  return state;
}

std::uint64_t fnv(std::string_view text) { return fnv(0xcbf29ce484222325, text); }

// Names whose last 16 bits are zero: all in one bucket of any table with so many or fewer. Those
// bits come from themselves and the next byte alone, so an end can be looked up.
Names fnv_names(std::size_t count) {
  Names ends(1U << 16);
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) {
      for (char c = 'a'; c <= 'z'; ++c) {
        const std::uint64_t inverse = inverse_of(kPrime);
        std::uint64_t state = 0;
        for (const char each : {c, b, a})
          state = (state * inverse) ^ static_cast<std::uint64_t>(each);
        ends[state & 0xffff] = {a, b, c};
      }
    }
  }
  Names names;
  for (std::uint64_t i = 0; names.size() < count; ++i) {
    const std::string begin = "room:" + std::to_string(i) + "-";
    const std::string& end = ends[fnv(begin) & 0xffff];
    if (!end.empty()) names.push_back(begin + end);
  }
  return names;
}

// --- SipHash with a key that everybody knows -----------------------------------------------------

Names siphash_names(std::size_t count) {
  Names names;
  for (std::uint64_t i = 0; names.size() < count; ++i) {
    std::string name = "room:" + std::to_string(i);
    if (siphash_1_3({}, name) >> 57 == 0) names.push_back(std::move(name));
  }
  return names;
}

// --- How they spread -----------------------------------------------------------------------------

constexpr unsigned kBucketBits = 16;
// Of 65,536 names in as many buckets, more than 16 meet in one by chance once in a billion runs.
constexpr std::uint32_t kMostByChance = 16;

// The names in the fullest bucket, where `shift` says which 16 bits of the hash choose it.
template <typename Hash>
std::uint32_t fullest(const Names& names, Hash hash, unsigned shift) {
  std::vector<std::uint32_t> buckets(1U << kBucketBits);
  for (const std::string& name : names) ++buckets[(hash(name) >> shift) & (buckets.size() - 1)];
  return *std::max_element(buckets.begin(), buckets.end());
}

constexpr unsigned kFirstBits = 64 - kBucketBits;

void expect_no_harm(const Names& names) {
  ASSERT_LE(names.size(), 1U << kBucketBits);
  ASSERT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_LE(fullest(names, BytesHash(), kFirstBits), kMostByChance);
  EXPECT_LE(fullest(names, BytesHash(), 0), kMostByChance);
  ChannelTable table(static_cast<std::uint32_t>(names.size()));
  for (const std::string& name : names) ASSERT_NE(table.add(name), nullptr);
  for (const std::string& name : names) table.remove(*table.find(name));
  EXPECT_EQ(table.size(), 0U);
}

TEST(ChannelTableCollisions, NamesAgainstStdHash) {
  const Names names = murmur_names(15);
  for (const std::string& name : names) ASSERT_LE(name.size(), 255U);
  EXPECT_EQ(fullest(names, std::hash<std::string_view>(), 0), names.size());
  EXPECT_EQ(fullest(names, std::hash<std::string_view>(), kFirstBits), names.size());
  expect_no_harm(names);
}

TEST(ChannelTableCollisions, NamesAgainstFnv) {
  const Names names = fnv_names(65'536);
  EXPECT_EQ(fullest(
                names, [](std::string_view name) { return fnv(name); }, 0),
            names.size());
  expect_no_harm(names);
}

TEST(ChannelTableCollisions, NamesAgainstAKnownKey) {
  const Names names = siphash_names(8'192);
  const auto known = [](std::string_view name) { return siphash_1_3({}, name); };
  EXPECT_GT(fullest(names, known, kFirstBits), kMostByChance);
  expect_no_harm(names);
}

}  // namespace
}  // namespace millrace

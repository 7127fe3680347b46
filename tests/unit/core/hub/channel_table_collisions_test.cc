// Names that collide under hashes that anybody can compute cost a table no more than others.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstring>
#include <ctime>
#include <functional>
#include <limits>
#include <random>
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
    if (siphash_1_3({}, name) >> 55 == 0) names.push_back(std::move(name));
  }
  return names;
}

// --- What they cost ------------------------------------------------------------------------------

Names random_names(const Names& like) {
  std::mt19937_64 random(1);
  Names names;
  for (const std::string& each : like) {
    std::string name;
    while (name.size() < each.size()) name += static_cast<char>('a' + random() % 26);
    names.push_back(std::move(name));
  }
  return names;
}

// CPU time of the best of some runs, so that what else the machine does counts little.
template <typename Work>
double best_of(int runs, Work&& work) {
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < runs; ++i) {
    const std::clock_t begin = std::clock();
    work();
    best = std::min(best, static_cast<double>(std::clock() - begin));
  }
  return best;
}

double in_table(const Names& names) {
  return best_of(7, [&names] {
    ChannelTable table(static_cast<std::uint32_t>(names.size()));
    for (const std::string& name : names) CHECK(table.add(name) != nullptr);
    for (const std::string& name : names) table.remove(*table.find(name));
  });
}

struct Fnv {
  using is_avalanching = void;
  std::size_t operator()(std::string_view text) const {
    return fnv(text) << 48;  // the table looks at the first bits
  }
};
struct Murmur {
  using is_avalanching = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

template <typename Hash>
double in_unkeyed_map(const Names& names) {
  return best_of(3, [&names] {
    boost::unordered_flat_map<std::string_view, int, Hash, std::equal_to<>> map;
    for (const std::string& name : names) map.emplace(name, 1);
    for (const std::string& name : names) map.erase(name);
  });
}

void expect_no_harm(const Names& names) {
  ASSERT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  const double bad = in_table(names);
  const double usual = in_table(random_names(names));
  EXPECT_LE(bad, 2 * usual) << "microseconds of CPU time";
}

TEST(ChannelTableCollisions, NamesAgainstStdHash) {
  const Names names = murmur_names(15);
  const std::size_t hash = std::hash<std::string_view>()(names[0]);
  for (const std::string& name : names) {
    ASSERT_EQ(std::hash<std::string_view>()(name), hash);
    ASSERT_LE(name.size(), 255U);
  }
  expect_no_harm(names);
  // They do harm to who has no key.
  const Names some = murmur_names(12);
  EXPECT_GT(in_unkeyed_map<Murmur>(some), 5 * in_unkeyed_map<Murmur>(random_names(some)));
}

TEST(ChannelTableCollisions, NamesAgainstFnv) {
  const Names names = fnv_names(65'536);
  for (const std::string& name : names) ASSERT_EQ(fnv(name) & 0xffff, 0U) << name;
  expect_no_harm(names);
  const Names some(names.begin(), names.begin() + 8'192);
  EXPECT_GT(in_unkeyed_map<Fnv>(some), 5 * in_unkeyed_map<Fnv>(random_names(some)));
}

TEST(ChannelTableCollisions, NamesAgainstAKnownKey) { expect_no_harm(siphash_names(65'536)); }

}  // namespace
}  // namespace millrace

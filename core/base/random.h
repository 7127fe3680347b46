// Pseudo-random numbers of one shard: fast, seedable, not secret. For jitter, and for ids that need
// to be unique but not unguessable. A simulation gives the seed; a server draws it (random_seed()).
//
// xoshiro256** by Blackman and Vigna, seeded by splitmix64 (https://prng.di.unimi.it/).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace millrace {

class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15U;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
      word = z ^ (z >> 31);
    }
  }

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // In [0, bound). REQUIRES: bound > 0. The bias is below 2^-32 for bounds below 2^32.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::array<std::uint64_t, 4> state_{};
};

// From the kernel's generator (getrandom(2)). Where that is forbidden the process ends with a line
// that says so.
std::uint64_t random_seed();
// The same for any bytes; at most 256, which come whole.
void fill_random(void* bytes, std::size_t size);

}  // namespace millrace

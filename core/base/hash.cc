#include "core/base/hash.h"

#include <bit>
#include <cstring>

#include "core/base/random.h"

namespace millrace {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

HashKey random_key() {
  HashKey key;
  fill_random(&key, sizeof(key));
  return key;
}

}  // namespace

std::uint64_t siphash_1_3(HashKey key, Bytes bytes) {
  SipState state{key.low ^ 0x736f'6d65'7073'6575, key.high ^ 0x646f'7261'6e64'6f6d,
                 key.low ^ 0x6c79'6765'6e65'7261, key.high ^ 0x7465'6462'7974'6573};
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t word;
  for (; left >= sizeof(word); at += sizeof(word), left -= sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    state.absorb(word);
  }
  word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  state.absorb(word | std::uint64_t{bytes.size()} << 56);
  state.v2 ^= 0xff;
  state.round();
  state.round();
  state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

namespace {

HashKey& process_key() {
  static HashKey key = random_key();
  return key;
}

}  // namespace

void set_hash_key(HashKey key) { process_key() = key; }

std::uint64_t hash_bytes(Bytes bytes) { return siphash_1_3(process_key(), bytes); }

}  // namespace millrace

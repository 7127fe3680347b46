// The hash of names that peers choose: keyed, so that nobody can choose names that collide.
//
// SipHash-1-3 (Aumasson, Bernstein; the variant that Rust and Python use for their tables) with a
// key that is drawn once a process. Values mean nothing outside the process: never send, store or
// shard by them across nodes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace millrace {

struct HashKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// Pure.
std::uint64_t siphash_1_3(HashKey key, Bytes bytes);

// For simulations, which need tables that walk alike in every run: sets the process's key.
// REQUIRES: no table hashed under the old key is in use, and no other thread hashes.
void set_hash_key(HashKey key);

// Under the process's key. Any thread's.
std::uint64_t hash_bytes(Bytes bytes);

// For tables whose keys are bytes in any form: std::string inside, Bytes to look up.
// Together with std::equal_to<>.
struct BytesHash {
  using is_transparent = void;
  using is_avalanching = void;  // Boost.Unordered need not mix it again
  std::size_t operator()(Bytes bytes) const { return hash_bytes(bytes); }
};

}  // namespace millrace

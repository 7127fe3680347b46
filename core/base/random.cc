#include "core/base/random.h"

#include <sys/random.h>

#include "core/base/assert.h"

namespace millrace {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  CHECK_EQ(getrandom(&seed, sizeof(seed), 0), static_cast<ssize_t>(sizeof(seed)));
  return seed;
}

}  // namespace millrace

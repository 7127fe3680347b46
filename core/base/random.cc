#include "core/base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace millrace {
namespace {

constexpr int kNoRandomExitCode = 71;  // sysexits(3): EX_OSERR

}  // namespace

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  fill_random(&seed, sizeof(seed));
  return seed;
}

void fill_random(void* bytes, std::size_t size) {
  while (getrandom(bytes, size, 0) != static_cast<ssize_t>(size)) {
    if (errno == EINTR) continue;
    std::fprintf(stderr,
                 "millrace: no random numbers from getrandom (%s): allow it in the seccomp "
                 "profile (systemd: SystemCallFilter=getrandom)\n",
                 std::strerror(errno));
    std::_Exit(kNoRandomExitCode);
  }
}

}  // namespace millrace

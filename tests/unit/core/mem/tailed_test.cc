#include "core/mem/tailed.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "tests/support/allocated_bytes.h"

namespace millrace {
namespace {

struct Counted {
  explicit Counted(int& alive) : alive_(alive) { ++alive_; }
  ~Counted() { --alive_; }
  int& alive_;
};

TEST(Tailed, IsMadeAndDestroyedOnceWithItsBytes) {
  const std::int64_t before = allocated_bytes();
  int alive = 0;
  {
    const Tailed<Counted> object = make_tailed<Counted>(100'000, alive);
    EXPECT_EQ(alive, 1);
    std::memset(tail_of(*object), 'x', 100'000);
    const Counted& same = *object;
    EXPECT_EQ(std::string(tail_of(same), 100'000), std::string(100'000, 'x'));
    EXPECT_GE(allocated_bytes() - before, 100'000);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(Tailed, NeedsNoTail) {
  int alive = 0;
  const Tailed<Counted> object = make_tailed<Counted>(0, alive);
  EXPECT_EQ(alive, 1);
}

}  // namespace
}  // namespace millrace

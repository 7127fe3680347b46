#include "core/base/mutant.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

// At compile time: a server pays nothing and can't be given a fault.
TEST(Mutant, NoneIsBuiltIntoAServer) {
  for (std::size_t i = 0; i < kMutants; ++i) EXPECT_FALSE(mutated(static_cast<Mutant>(i)));
  static_assert(!mutated(Mutant::kLostWake));
}

}  // namespace
}  // namespace millrace

#include "core/mem/thread_arenas.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

// With jemalloc, and without memory: tests/faults.
TEST(ThreadArenas, WithoutJemallocThereIsNothingToPrepare) {
  for (const std::size_t threads : {0, 1, 1'000}) {
    EXPECT_TRUE(prepare_thread_arenas(threads).ok()) << threads;
  }
}

}  // namespace
}  // namespace millrace

#include "core/mem/thread_arenas.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace millrace {
namespace {

// With jemalloc, and without memory: tests/faults.
TEST(ThreadArenas, WithoutJemallocThereIsNothingToPrepare) {
  for (const std::size_t threads : std::initializer_list<std::size_t>{0, 1, 1'000, kAllArenas}) {
    EXPECT_TRUE(prepare_thread_arenas(threads).ok()) << threads;
  }
}

}  // namespace
}  // namespace millrace

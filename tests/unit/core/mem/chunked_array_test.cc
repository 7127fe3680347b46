#include "core/mem/chunked_array.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/allocated_bytes.h"

namespace millrace {
namespace {

TEST(ChunkedArray, CoversWhatItIsAskedTo) {
  ChunkedArray<int> array;
  EXPECT_EQ(array.size(), 0U);
  array.cover(0);
  EXPECT_EQ(array.size(), 128U);
  array.cover(127);
  EXPECT_EQ(array.size(), 128U);
  array.cover(128);
  EXPECT_EQ(array.size(), 256U);
  array.cover(10'000);
  EXPECT_EQ(array.size(), 10'112U);
  array.cover(3);
  EXPECT_EQ(array.size(), 10'112U);
}

TEST(ChunkedArray, NothingMovesWhenItGrows) {
  ChunkedArray<std::size_t> array;
  std::vector<std::size_t*> places;
  for (std::size_t i = 0; i < 5'000; ++i) {
    array.cover(i);
    EXPECT_EQ(array[i], 0U) << "default-made";
    array[i] = i;
    places.push_back(&array[i]);
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    ASSERT_EQ(places[i], &array[i]);
    ASSERT_EQ(array[i], i);
  }
}

TEST(ChunkedArray, WastesNoMoreThanAChunk) {
  const std::int64_t before = allocated_bytes();
  ChunkedArray<std::uint64_t> array;
  constexpr std::int64_t kCount = 128 * 300 + 1;
  array.cover(kCount - 1);
  const std::int64_t grown = allocated_bytes() - before;
  EXPECT_GE(grown, kCount * 8);
  EXPECT_LE(grown, (kCount + 128) * 8 * 105 / 100);
}

}  // namespace
}  // namespace millrace

#include "core/mem/shared_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

namespace millrace {
namespace {

class SharedBytesTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(SharedBytes::live_blocks(), 0); }
  void TearDown() override {
    EXPECT_EQ(SharedBytes::live_blocks(), 0);
    set_this_shard(ShardId{kNoShard});
  }
};

TEST_F(SharedBytesTest, NothingIsEmpty) {
  const SharedBytes none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.view(), "");
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(none.references(), 0U);
  const SharedBytes copy = none;  // NOLINT: the copy is what is tested
  EXPECT_FALSE(copy);
}

TEST_F(SharedBytesTest, CopiesItsBytes) {
  std::string source("mill\0race", 9);
  const SharedBytes bytes = SharedBytes::copy_of(source);
  source.assign(9, 'x');
  EXPECT_EQ(bytes.view(), Bytes("mill\0race", 9));
  EXPECT_EQ(bytes.size(), 9U);
  EXPECT_EQ(bytes.references(), 1U);
  EXPECT_EQ(SharedBytes::live_blocks(), 1);
}

TEST_F(SharedBytesTest, OfNoBytesIsABlockNonetheless) {
  const SharedBytes bytes = SharedBytes::copy_of({});
  EXPECT_TRUE(bytes);
  EXPECT_EQ(bytes.view(), "");
  EXPECT_EQ(SharedBytes::live_blocks(), 1);
}

TEST_F(SharedBytesTest, FilledInPlace) {
  int calls = 0;
  const SharedBytes bytes = SharedBytes::make(1'000, [&calls](MutableBytes out) {
    ++calls;
    ASSERT_EQ(out.size(), 1'000U);
    std::fill(out.begin(), out.end(), 'm');
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(bytes.view(), std::string(1'000, 'm'));
}

TEST_F(SharedBytesTest, CopiesShareTheSameBytes) {
  const SharedBytes first = SharedBytes::copy_of("news");
  std::vector<SharedBytes> queue(10'000, first);
  EXPECT_EQ(first.references(), 10'001U);
  EXPECT_EQ(SharedBytes::live_blocks(), 1);
  for (const SharedBytes& reference : queue) ASSERT_EQ(reference.data(), first.data());
  queue.clear();
  EXPECT_EQ(first.references(), 1U);
}

TEST_F(SharedBytesTest, OutlivesTheFirstReference) {
  SharedBytes last;
  {
    const SharedBytes first = SharedBytes::copy_of("news");
    last = first;
  }
  EXPECT_EQ(last.view(), "news");
  EXPECT_EQ(last.references(), 1U);
}

TEST_F(SharedBytesTest, MovingChangesNoCount) {
  SharedBytes first = SharedBytes::copy_of("news");
  const char* const data = first.data();
  SharedBytes second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT: what is left is what is tested
  EXPECT_EQ(second.references(), 1U);
  SharedBytes third;
  third = std::move(second);
  EXPECT_FALSE(second);  // NOLINT
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.references(), 1U);
}

TEST_F(SharedBytesTest, AssigningReleasesWhatWasHeld) {
  SharedBytes bytes = SharedBytes::copy_of("one");
  bytes = SharedBytes::copy_of("two");
  EXPECT_EQ(SharedBytes::live_blocks(), 1);
  EXPECT_EQ(bytes.view(), "two");
  const SharedBytes& itself = bytes;
  bytes = itself;
  EXPECT_EQ(bytes.view(), "two");
  EXPECT_EQ(bytes.references(), 1U);
  bytes = {};
  EXPECT_EQ(SharedBytes::live_blocks(), 0);
}

TEST_F(SharedBytesTest, BlocksAreCountedByThread) {
  const SharedBytes here = SharedBytes::copy_of("news");
  std::int64_t at_first = -1;
  std::int64_t with_one = -1;
  std::thread([&] {
    at_first = SharedBytes::live_blocks();
    const SharedBytes there = SharedBytes::copy_of("other");
    with_one = SharedBytes::live_blocks();
  }).join();
  EXPECT_EQ(at_first, 0);
  EXPECT_EQ(with_one, 1);
  EXPECT_EQ(SharedBytes::live_blocks(), 1);
}

using SharedBytesDeathTest = SharedBytesTest;

TEST_F(SharedBytesDeathTest, NeverCrossesToAnotherShard) {
  EXPECT_DEATH(
      {
        const SharedBytes mine = SharedBytes::copy_of("news");
        set_this_shard(ShardId{2});
        const SharedBytes copy = mine;  // NOLINT
      },
      "CHECK failed: block_->shard == internal::current_shard with 65535 and 2");
  EXPECT_DEATH(
      {
        set_this_shard(ShardId{1});
        SharedBytes mine = SharedBytes::copy_of("news");
        set_this_shard(ShardId{2});
        mine = {};
      },
      "with 1 and 2");
}

}  // namespace
}  // namespace millrace

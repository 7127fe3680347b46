#include "core/mem/recv_buffers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

namespace millrace {
namespace {

class Returned final : public BufferReturn {
 public:
  void provide_buffer(BufferId id) override { ids.push_back(id); }
  std::vector<BufferId> ids;
};

TEST(RecvBuffersTest, ALeaseShowsTheBytesAndReturnsItsBufferWhenItDies) {
  RecvBuffers buffers(4, 16);
  Returned ring;
  buffers.attach(ring);
  std::memcpy(buffers.address(2), "hello", 5);
  {
    RecvBuffers::Lease lease = buffers.lease(2, 5);
    EXPECT_TRUE(static_cast<bool>(lease));
    EXPECT_EQ(lease.view(), "hello");
    EXPECT_EQ(lease.bytes().data(), buffers.address(2));
    EXPECT_EQ(buffers.leased(), 1U);
    EXPECT_TRUE(ring.ids.empty());
  }
  EXPECT_EQ(ring.ids, std::vector<BufferId>{2});
  EXPECT_EQ(buffers.leased(), 0U);
}

TEST(RecvBuffersTest, AMovedLeaseReturnsOnce) {
  RecvBuffers buffers(2, 16);
  Returned ring;
  buffers.attach(ring);
  {
    RecvBuffers::Lease first = buffers.lease(0, 1);
    RecvBuffers::Lease second = std::move(first);
    RecvBuffers::Lease third;
    EXPECT_FALSE(static_cast<bool>(third));
    EXPECT_TRUE(third.view().empty());
    third = std::move(second);
    EXPECT_EQ(buffers.leased(), 1U);
    EXPECT_EQ(third.view().size(), 1U);
  }
  EXPECT_EQ(ring.ids, std::vector<BufferId>{0});
}

TEST(RecvBuffersTest, CountsTheMostThatWereOutAtOnce) {
  RecvBuffers buffers(4, 16);
  Returned ring;
  buffers.attach(ring);
  {
    const auto a = buffers.lease(0, 16);
    const auto b = buffers.lease(1, 0);
    const auto c = buffers.lease(3, 1);
    EXPECT_EQ(buffers.leased(), 3U);
  }
  const auto again = buffers.lease(3, 1);  // it may be leased again
  EXPECT_EQ(buffers.leased(), 1U);
  EXPECT_EQ(buffers.high_water(), 3U);
}

TEST(RecvBuffersTest, BuffersAreApart) {
  RecvBuffers buffers(8, 24);
  for (std::uint32_t id = 0; id < 8; ++id) {
    std::memset(buffers.address(static_cast<BufferId>(id)), static_cast<int>('a' + id), 24);
  }
  for (std::uint32_t id = 0; id < 8; ++id) {
    const auto lease = buffers.lease(static_cast<BufferId>(id), 24);
    EXPECT_EQ(lease.view(), std::string(24, static_cast<char>('a' + id)));
  }
}

TEST(RecvBuffersTest, ReturnsAreOnlyCountedOnceTheRingIsGone) {
  RecvBuffers buffers(1, 16);
  Returned ring;
  buffers.attach(ring);
  {
    const auto lease = buffers.lease(0, 1);
    buffers.detach();
  }
  EXPECT_TRUE(ring.ids.empty());
  EXPECT_EQ(buffers.leased(), 0U);
}

TEST(RecvBuffersTest, TheKernelsLimitIsAllowed) {
  const RecvBuffers smallest(1, 1);
  RecvBuffers largest(RecvBuffers::kMaxCount, 64);
  const auto last = largest.lease(RecvBuffers::kMaxCount - 1, 64);
  EXPECT_EQ(last.view().size(), 64U);
}

TEST(RecvBuffersTest, WithoutMemoryTheCauseIsSaid) {
  const auto made = RecvBuffers::make(4, 512);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ((*made)->count(), 4U);
  EXPECT_EQ((*made)->size(), 512U);
  // More than there are addresses.
  const auto refused = RecvBuffers::make(RecvBuffers::kMaxCount, UINT32_MAX);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("receive buffers"), std::string::npos)
      << refused.error().text;
}

TEST(RecvBuffersDeathTest, RefusesWhatTheKernelWouldRefuse) {
  EXPECT_DEATH(RecvBuffers(0, 64), "CHECK failed");
  EXPECT_DEATH(RecvBuffers(3, 64), "has_single_bit");
  EXPECT_DEATH(RecvBuffers(2 * RecvBuffers::kMaxCount, 64), "CHECK failed");
  EXPECT_DEATH(RecvBuffers(4, 0), "CHECK failed");
}

TEST(RecvBuffersDeathTest, RefusesALeaseThatCannotBe) {
  RecvBuffers buffers(2, 16);
  const auto held = buffers.lease(1, 16);
  EXPECT_DEATH(static_cast<void>(buffers.lease(1, 1)), "CHECK failed");
  EXPECT_DEATH(static_cast<void>(buffers.lease(2, 1)), "CHECK failed");
  EXPECT_DEATH(static_cast<void>(buffers.lease(0, 17)), "CHECK failed");
}

TEST(RecvBuffersDeathTest, MustNotDieWithABufferOut) {
  EXPECT_DEATH(
      {
        auto buffers = std::make_unique<RecvBuffers>(1, 16);
        const auto held = buffers->lease(0, 1);
        buffers.reset();
      },
      "CHECK failed");
}

}  // namespace
}  // namespace millrace

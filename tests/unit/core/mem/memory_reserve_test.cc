#include "core/mem/memory_reserve.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <new>
#include <thread>
#include <vector>

namespace millrace {
namespace {

constexpr std::size_t kBytes = 1024 * 1024;

// Real exhaustion is in tests/faults; here the handler is called as operator new calls it.
class MemoryReserveTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(MemoryReserve::install(kBytes).ok()); }
  void TearDown() override {
    if (installed_) MemoryReserve::uninstall();
    EXPECT_EQ(std::get_new_handler(), nullptr);
  }
  // A turn that ends, and one so much later that the reserve may be taken.
  bool refill_later() {
    static_cast<void>(MemoryReserve::refill(now_));
    now_ = now_ + MemoryReserve::kBetweenTriesNs;
    return MemoryReserve::refill(now_);
  }
  bool installed_ = true;
  std::int64_t now_ = 0;
};

TEST_F(MemoryReserveTest, IsGivenBackAndTakenAnew) {
  const std::uint64_t before = MemoryReserve::failures();
  EXPECT_FALSE(MemoryReserve::is_out());
  EXPECT_TRUE(MemoryReserve::refill(now_)) << "nothing to do";
  EXPECT_TRUE(MemoryReserve::give_back());
  EXPECT_TRUE(MemoryReserve::is_out());
  EXPECT_EQ(MemoryReserve::failures(), before + 1);
  EXPECT_TRUE(refill_later());
  EXPECT_FALSE(MemoryReserve::is_out());
}

TEST_F(MemoryReserveTest, IsNotTakenBeforeThePauseAfterTheLastFailure) {
  constexpr std::int64_t kPause = MemoryReserve::kBetweenTriesNs;
  const std::int64_t first = 1'000;
  ASSERT_TRUE(MemoryReserve::give_back());
  EXPECT_FALSE(MemoryReserve::refill(first));
  EXPECT_FALSE(MemoryReserve::refill(first + kPause - 1));
  ASSERT_TRUE(MemoryReserve::give_back());
  const std::int64_t second = first + kPause;
  EXPECT_FALSE(MemoryReserve::refill(second)) << "it failed again";
  EXPECT_FALSE(MemoryReserve::refill(second + kPause - 1));
  EXPECT_TRUE(MemoryReserve::refill(second + kPause));
}

TEST_F(MemoryReserveTest, IsOperatorNewsHandler) {
  const std::new_handler handler = std::get_new_handler();
  ASSERT_NE(handler, nullptr);
  handler();
  EXPECT_TRUE(MemoryReserve::is_out());
}

TEST_F(MemoryReserveTest, OneTellsOfEachLoss) {
  EXPECT_FALSE(MemoryReserve::first_to_tell()) << "nothing is lost";
  for (int loss = 0; loss < 2; ++loss) {
    ASSERT_TRUE(MemoryReserve::give_back());
    ASSERT_TRUE(MemoryReserve::give_back());
    EXPECT_TRUE(MemoryReserve::first_to_tell());
    EXPECT_FALSE(MemoryReserve::first_to_tell());
    ASSERT_TRUE(refill_later());
  }
}

TEST_F(MemoryReserveTest, FailsOneTooOftenBetweenRefills) {
  for (int round = 0; round < 2; ++round) {
    for (unsigned i = 0; i < MemoryReserve::kMostFailures; ++i) {
      ASSERT_TRUE(MemoryReserve::give_back()) << i;
    }
    EXPECT_FALSE(MemoryReserve::give_back());
    ASSERT_TRUE(refill_later());
  }
}

TEST_F(MemoryReserveTest, AFailureWithoutItIsCountedToo) {
  MemoryReserve::uninstall();
  installed_ = false;
  const std::uint64_t before = MemoryReserve::failures();
  EXPECT_FALSE(MemoryReserve::give_back());
  EXPECT_FALSE(MemoryReserve::is_out());
  EXPECT_EQ(MemoryReserve::failures(), before + 1);
}

TEST_F(MemoryReserveTest, ALibrarysCallIsTriedTwiceAtMost) {
  int calls = 0;
  EXPECT_TRUE(try_with_reserve([&] { return ++calls == 1; }));
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(MemoryReserve::is_out());
  calls = 0;
  EXPECT_TRUE(try_with_reserve([&] { return ++calls == 2; }));
  EXPECT_TRUE(MemoryReserve::is_out());
  calls = 0;
  EXPECT_FALSE(try_with_reserve([&] { return ++calls == 3; }));
  EXPECT_EQ(calls, 2);
}

TEST(MemoryReserveInstall, SaysWhatItCouldNotHave) {
  const auto installed = MemoryReserve::install(std::size_t{1} << 60);
  ASSERT_FALSE(installed.ok());
  EXPECT_NE(installed.error().text.find("ulimit -v"), std::string::npos) << installed.error().text;
  EXPECT_EQ(std::get_new_handler(), nullptr);
}

TEST(CrossThreadMemoryReserve, AllThreadsThatFailAtOnceMayTryAgain) {
  ASSERT_TRUE(MemoryReserve::install(64 * 1024).ok());
  const std::uint64_t before = MemoryReserve::failures();
  std::atomic<unsigned> refused{0};
  constexpr unsigned kThreads = 4;
  constexpr unsigned kTimes = 200;
  std::barrier<> together(kThreads);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      std::int64_t now = 0;
      for (unsigned i = 0; i < kTimes; ++i) {
        together.arrive_and_wait();
        if (!MemoryReserve::give_back()) ++refused;
        static_cast<void>(MemoryReserve::first_to_tell());
        together.arrive_and_wait();
        static_cast<void>(MemoryReserve::refill(now));
        together.arrive_and_wait();
        now = now + MemoryReserve::kBetweenTriesNs;
        if (!MemoryReserve::refill(now)) ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused.load(), 0U);
  EXPECT_EQ(MemoryReserve::failures(), before + kThreads * kTimes);
  EXPECT_FALSE(MemoryReserve::is_out());
  MemoryReserve::uninstall();
}

}  // namespace
}  // namespace millrace

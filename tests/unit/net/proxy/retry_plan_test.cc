#include "net/proxy/retry_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace {
namespace {

constexpr std::uint32_t kMany = 100;

TEST(RetryPlan, WhatWasNotHeardMayBeAskedAgainWhateverItIs) {
  Random random(1);
  for (std::size_t i = 0; i < kProxyMethods; ++i) {
    const auto method = static_cast<ProxyMethod>(i);
    EXPECT_TRUE(RetryPlan::pause(method, false, 1, 1, random));
    EXPECT_FALSE(RetryPlan::pause(method, false, 2, 1, random)) << "no more than said";
    EXPECT_FALSE(RetryPlan::pause(method, false, 1, 0, random));
  }
}

TEST(RetryPlan, DeedsAreDoneAtMostOnce) {
  Random random(1);
  for (const auto method : {ProxyMethod::kConnect, ProxyMethod::kSubscribe, ProxyMethod::kRefresh,
                            ProxyMethod::kSubRefresh}) {
    EXPECT_TRUE(RetryPlan::pause(method, true, 1, 1, random));
  }
  for (const auto method :
       {ProxyMethod::kPublish, ProxyMethod::kRpc, ProxyMethod::kSend, ProxyMethod::kDisconnect}) {
    EXPECT_FALSE(RetryPlan::pause(method, true, 1, 9, random));
  }
}

TEST(RetryPlan, PausesAreFullJitterThatDoubles) {
  Random random(7);
  Duration longest = RetryPlan::kFirst;
  for (std::uint32_t tries = 1; tries < 12; ++tries) {
    Duration most{};
    Duration least = seconds(60);
    for (int i = 0; i < 1'000; ++i) {
      const auto pause = RetryPlan::pause(ProxyMethod::kRpc, false, tries, kMany, random);
      ASSERT_TRUE(pause);
      most = std::max(most, *pause);
      least = std::min(least, *pause);
    }
    EXPECT_LE(most, longest);
    EXPECT_GT(most, longest * 9 / 10);
    EXPECT_LT(least, longest / 10);
    longest = std::min(longest * 2, RetryPlan::kLongest);
  }
}

}  // namespace
}  // namespace millrace

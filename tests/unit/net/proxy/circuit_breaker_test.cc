#include "net/proxy/circuit_breaker.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Verdict = CircuitBreaker::Verdict;
using State = CircuitBreaker::State;

constexpr BreakerLimits kLimits{3, seconds(1)};
constexpr Instant kNow{1'000'000'000};

CircuitBreaker opened() {
  CircuitBreaker breaker;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(breaker.may_ask(kNow), Verdict::kAsk);
    breaker.failed(false, kLimits, kNow);
  }
  EXPECT_EQ(breaker.state(), State::kOpen);
  return breaker;
}

TEST(CircuitBreaker, OpensAfterFailuresInARowOnly) {
  CircuitBreaker breaker;
  for (int i = 0; i < 10; ++i) {
    breaker.failed(false, kLimits, kNow);
    breaker.failed(false, kLimits, kNow);
    breaker.succeeded(false);
  }
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_EQ(breaker.may_ask(kNow), Verdict::kAsk);
}

TEST(CircuitBreaker, LetsOneTrialThroughAfterThePause) {
  CircuitBreaker breaker = opened();
  EXPECT_EQ(breaker.may_ask(kNow + milliseconds(999)), Verdict::kRefuse);
  EXPECT_EQ(breaker.may_ask(kNow + seconds(1)), Verdict::kTrial);
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_EQ(breaker.may_ask(kNow + seconds(9)), Verdict::kRefuse) << "one is out";
  breaker.succeeded(true);
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_EQ(breaker.may_ask(kNow), Verdict::kAsk);
}

TEST(CircuitBreaker, AFailedTrialOpensItAgain) {
  CircuitBreaker breaker = opened();
  const Instant later = kNow + seconds(1);
  EXPECT_EQ(breaker.may_ask(later), Verdict::kTrial);
  breaker.failed(true, kLimits, later);
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_EQ(breaker.may_ask(later + milliseconds(999)), Verdict::kRefuse);
  EXPECT_EQ(breaker.may_ask(later + seconds(1)), Verdict::kTrial);
}

TEST(CircuitBreaker, ATrialThatNobodyWaitsForMakesRoomForAnother) {
  CircuitBreaker breaker = opened();
  EXPECT_EQ(breaker.may_ask(kNow + seconds(1)), Verdict::kTrial);
  breaker.abandoned(true);
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_EQ(breaker.may_ask(kNow + seconds(1)), Verdict::kTrial);
}

TEST(CircuitBreaker, WhatWasAskedBeforeItOpenedChangesNothing) {
  CircuitBreaker breaker = opened();
  breaker.succeeded(false);
  breaker.failed(false, kLimits, kNow + seconds(5));
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_EQ(breaker.may_ask(kNow + seconds(1)), Verdict::kTrial);
  breaker.succeeded(false);
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
}

TEST(CircuitBreaker, NoFailuresIsNever) {
  CircuitBreaker breaker;
  for (int i = 0; i < 1'000; ++i) breaker.failed(false, {0, seconds(1)}, kNow);
  EXPECT_EQ(breaker.state(), State::kClosed);
  // Turned off while it is half open.
  CircuitBreaker other = opened();
  EXPECT_EQ(other.may_ask(kNow + seconds(1)), Verdict::kTrial);
  other.failed(true, {0, seconds(1)}, kNow + seconds(1));
  EXPECT_EQ(other.state(), State::kClosed);
}

}  // namespace
}  // namespace millrace

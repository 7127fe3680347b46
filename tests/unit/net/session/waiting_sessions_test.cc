#include "net/session/waiting_sessions.h"

#include <gtest/gtest.h>

#include <functional>

namespace millrace {
namespace {

using Frames = std::vector<std::string>;

class Resumer final : public SessionResumer {
 public:
  void resume(ConnId id, Instant) override {
    resumed.push_back(id.index);
    if (then) then(id);
  }
  std::vector<std::uint32_t> resumed;
  std::function<void(ConnId)> then;
};

constexpr std::uint32_t kBudget = WaitingSessions::kVerificationsATurn;

class WaitingSessionsTest : public testing::Test {
 protected:
  Frames take_all(ConnId id) {
    Frames all;
    while (auto frame = waiting_.take_first(id)) all.push_back(std::move(*frame));
    return all;
  }

  Resumer resumer_;
  WaitingSessions waiting_{resumer_};
};

TEST_F(WaitingSessionsTest, KeepsFramesInOrderAndForgetsThem) {
  EXPECT_TRUE(waiting_.keep({1, 1}, "a"));
  EXPECT_TRUE(waiting_.keep({2, 1}, "x"));
  EXPECT_TRUE(waiting_.keep({1, 1}, ""));
  EXPECT_TRUE(waiting_.keep({1, 1}, "b"));
  EXPECT_EQ(waiting_.size(), 2U);
  EXPECT_EQ(take_all({1, 2}), Frames{}) << "another tenant of the slot";
  EXPECT_EQ(take_all({1, 1}), (Frames{"a", "", "b"}));
  EXPECT_EQ(take_all({1, 1}), Frames{});
  waiting_.forget({2, 1});
  EXPECT_EQ(waiting_.size(), 0U);
}

TEST_F(WaitingSessionsTest, TheRestOfAFrameStandsInFrontOfTheOthers) {
  EXPECT_TRUE(waiting_.keep({1, 1}, "first"));
  EXPECT_TRUE(waiting_.keep({1, 1}, "second"));
  EXPECT_EQ(waiting_.take_first({1, 1}), "first");
  EXPECT_TRUE(waiting_.keep_first({1, 1}, "rst"));
  EXPECT_EQ(take_all({1, 1}), (Frames{"rst", "second"}));
  EXPECT_EQ(waiting_.size(), 0U);
}

TEST_F(WaitingSessionsTest, WhatIsTakenMakesRoom) {
  constexpr std::size_t kMost = WaitingSessions::kMaxBytes;
  EXPECT_TRUE(waiting_.keep({1, 1}, std::string(kMost, 'x')));
  EXPECT_FALSE(waiting_.keep_first({1, 1}, "x"));
  EXPECT_EQ(waiting_.take_first({1, 1})->size(), kMost);
  EXPECT_TRUE(waiting_.keep_first({1, 1}, std::string(kMost - 1, 'x')));
  EXPECT_TRUE(waiting_.keep({1, 1}, "x"));
  EXPECT_FALSE(waiting_.keep({1, 1}, "x"));
}

TEST_F(WaitingSessionsTest, AQuestionEndsOnceAndByItsOwnTicket) {
  EXPECT_FALSE(waiting_.end_question({1, 1}, 7)) << "there is none";
  waiting_.note_question({1, 1}, 7);
  EXPECT_FALSE(waiting_.end_question({1, 1}, 8));
  EXPECT_FALSE(waiting_.end_question({1, 2}, 7)) << "another tenant of the slot";
  EXPECT_TRUE(waiting_.end_question({1, 1}, 7));
  EXPECT_FALSE(waiting_.end_question({1, 1}, 7));
  waiting_.note_question({1, 1}, 9);
  waiting_.forget({1, 1});
  EXPECT_FALSE(waiting_.end_question({1, 1}, 9));
}

TEST_F(WaitingSessionsTest, FramesHaveALimit) {
  for (std::size_t i = 0; i < WaitingSessions::kMaxFrames; ++i) {
    ASSERT_TRUE(waiting_.keep({1, 1}, "f")) << i;
  }
  EXPECT_FALSE(waiting_.keep({1, 1}, "f"));
  EXPECT_TRUE(waiting_.keep({2, 1}, "f")) << "each has its own";
}

TEST_F(WaitingSessionsTest, BytesHaveALimit) {
  constexpr std::size_t kMost = WaitingSessions::kMaxBytes;
  EXPECT_FALSE(waiting_.keep({1, 1}, std::string(kMost + 1, 'x')));
  EXPECT_TRUE(waiting_.keep({1, 1}, std::string(kMost - 1, 'x')));
  EXPECT_FALSE(waiting_.keep({1, 1}, "xy"));
  EXPECT_TRUE(waiting_.keep({1, 1}, "x"));
  EXPECT_TRUE(waiting_.keep({1, 1}, ""));
  EXPECT_FALSE(waiting_.keep({1, 1}, "x"));
}

TEST_F(WaitingSessionsTest, ATurnHasABudget) {
  for (std::uint32_t i = 0; i < kBudget; ++i) EXPECT_TRUE(waiting_.may_verify());
  EXPECT_FALSE(waiting_.may_verify());
  waiting_.drain(Instant{});
  for (std::uint32_t i = 0; i < kBudget; ++i) EXPECT_TRUE(waiting_.may_verify());
  EXPECT_FALSE(waiting_.may_verify());
}

TEST_F(WaitingSessionsTest, WhoWaitsComesFirstAndInOrder) {
  resumer_.then = [this](ConnId) { EXPECT_TRUE(waiting_.may_verify()); };
  EXPECT_FALSE(waiting_.ready());
  for (std::uint32_t i = 0; i < 2 * kBudget + 1; ++i) waiting_.verify_later({i, 1});
  EXPECT_TRUE(waiting_.ready());
  EXPECT_FALSE(waiting_.may_verify()) << "a newcomer waits behind them";
  for (const std::size_t served : {kBudget, 2 * kBudget, 2 * kBudget + 1}) {
    waiting_.drain(Instant{});
    EXPECT_EQ(resumer_.resumed.size(), served);
  }
  for (std::uint32_t i = 0; i < resumer_.resumed.size(); ++i) EXPECT_EQ(resumer_.resumed[i], i);
  EXPECT_FALSE(waiting_.ready());
  EXPECT_TRUE(waiting_.may_verify());
}

// What completions of the turn have spent is spent.
TEST_F(WaitingSessionsTest, TheBudgetIsTheWholeTurns) {
  resumer_.then = [this](ConnId) { EXPECT_TRUE(waiting_.may_verify()); };
  for (std::uint32_t i = 0; i < kBudget - 1; ++i) EXPECT_TRUE(waiting_.may_verify());
  waiting_.verify_later({1, 1});
  waiting_.verify_later({2, 1});
  waiting_.drain(Instant{});
  EXPECT_EQ(resumer_.resumed, std::vector<std::uint32_t>{1});
}

// Those that are gone cost the others nothing.
TEST_F(WaitingSessionsTest, WhoVerifiesNothingSpendsNothing) {
  for (std::uint32_t i = 0; i < 3 * kBudget; ++i) waiting_.verify_later({i, 1});
  waiting_.drain(Instant{});
  EXPECT_EQ(resumer_.resumed.size(), 3 * kBudget);
}

TEST_F(WaitingSessionsTest, WhoIsReadyNeedsNoTurnAndGoesOnOnceADrain) {
  resumer_.then = [this](ConnId id) {
    if (id.index == 7) waiting_.resume_later(id);
  };
  for (std::uint32_t i = 0; i < kBudget; ++i) EXPECT_TRUE(waiting_.may_verify());
  waiting_.resume_later({7, 1});
  waiting_.resume_later({8, 1});
  waiting_.drain(Instant{});
  EXPECT_EQ(resumer_.resumed, (std::vector<std::uint32_t>{7, 8}));
  EXPECT_TRUE(waiting_.ready());
  waiting_.drain(Instant{});
  EXPECT_EQ(resumer_.resumed, (std::vector<std::uint32_t>{7, 8, 7}));
}

}  // namespace
}  // namespace millrace

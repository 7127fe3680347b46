#include "net/session/subscription_notes.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

class Expired final : public NoteExpiry {
 public:
  void on_expired(SubscriberId who, Bytes channel, Instant) override {
    expired.push_back(std::to_string(who) + " " + std::string(channel));
    if (notes != nullptr) notes->erase(who, channel);
  }
  std::vector<std::string> expired;
  SubscriptionNotes* notes = nullptr;
};

class SubscriptionNotesTest : public testing::Test {
 protected:
  SubscriptionNotesTest() { events_.notes = &notes_; }
  ~SubscriptionNotesTest() override {
    for (SubscriberId who = 0; who < 10; ++who) notes_.erase_all(who);
    EXPECT_EQ(notes_.size(), 0U);
  }
  void at(std::int64_t second) { timers_.advance(Instant{second * 1'000'000'000}); }

  TimerWheel timers_{Instant{0}};
  Expired events_;
  SubscriptionNotes notes_{timers_, events_, seconds(25)};
};

TEST_F(SubscriptionNotesTest, KeepsWhatItIsGiven) {
  notes_.put(1, "news", "{}", "[]", {});
  const SubscriptionNote* note = notes_.find(1, "news");
  ASSERT_NE(note, nullptr);
  EXPECT_EQ(note->info, "{}");
  EXPECT_EQ(note->data, "[]");
  EXPECT_TRUE(note->expiry.never());
  EXPECT_EQ(notes_.find(1, "other"), nullptr);
  EXPECT_EQ(notes_.find(2, "news"), nullptr);
  notes_.erase(1, "other");
  notes_.erase(2, "news");
  EXPECT_EQ(notes_.size(), 1U);
  notes_.erase(1, "news");
  EXPECT_EQ(notes_.find(1, "news"), nullptr);
}

TEST_F(SubscriptionNotesTest, ANewOneReplacesAndOneThatSaysNothingEnds) {
  notes_.put(1, "news", "1", "", {10});
  notes_.put(1, "news", "2", "", {});
  EXPECT_EQ(notes_.size(), 1U);
  EXPECT_EQ(notes_.find(1, "news")->info, "2");
  at(100);
  EXPECT_TRUE(events_.expired.empty()) << "the end went with the old one";
  notes_.put(1, "news", "", "", {});
  EXPECT_EQ(notes_.size(), 0U);
}

TEST_F(SubscriptionNotesTest, ATokenAloneIsKeptAndFound) {
  const auto of = [this](SubscriberId who, std::uint32_t hash) {
    return notes_.channels_of(who, [hash](TokenMark token) { return token.hash == hash; });
  };
  notes_.put(1, "a", "", "", {}, {.issued_at = 0, .hash = 0});
  notes_.put(1, "b", "", "", {}, {.issued_at = 7, .hash = 3});
  notes_.put(1, "c", "", "", {10}, {.issued_at = 8, .hash = 3});
  notes_.put(1, "d", "1", "", {});
  notes_.put(2, "a", "", "", {}, {.issued_at = 7, .hash = 3});
  EXPECT_EQ(notes_.size(), 5U);
  EXPECT_EQ(of(1, 3), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(of(1, 0), (std::vector<std::string>{"a"})) << "d has no token";
  EXPECT_EQ(of(2, 3), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(of(3, 3).empty());
  ASSERT_NE(notes_.find(1, "b"), nullptr);
  EXPECT_EQ(notes_.find(1, "b")->token.issued_at, 7U);
  notes_.put(1, "b", "", "", {}, {.issued_at = 9, .hash = 4});
  EXPECT_EQ(of(1, 3), (std::vector<std::string>{"c"})) << "the new one is another";
}

TEST_F(SubscriptionNotesTest, TellsWhenTheGraceIsOver) {
  constexpr TokenMark kToken{.issued_at = 1, .hash = 0};
  notes_.put(1, "news", "", "", {10}, kToken);
  notes_.put(1, "late", "", "", {11}, kToken);
  notes_.put(2, "news", "", "", {10}, kToken);
  at(34);
  EXPECT_TRUE(events_.expired.empty());
  notes_.erase(2, "news");
  timers_.advance(Instant{35'010'000'000});
  EXPECT_EQ(events_.expired, std::vector<std::string>{"1 news"});
  at(37);
  EXPECT_EQ(events_.expired, (std::vector<std::string>{"1 news", "1 late"}));
  EXPECT_EQ(notes_.size(), 0U);
}

TEST_F(SubscriptionNotesTest, WhatTheApplicationGaveIsToldAtItsEndAndAsItWantsToBe) {
  notes_.put(1, "news", "", "", {10});
  EXPECT_TRUE(notes_.find(1, "news")->from_application());
  notes_.wake_at(1, "other", Instant{1});
  notes_.wake_at(2, "news", Instant{1});
  at(9);
  EXPECT_TRUE(events_.expired.empty());
  notes_.wake_at(1, "news", Instant{20'000'000'000});
  at(19);
  EXPECT_TRUE(events_.expired.empty());
  at(21);
  EXPECT_EQ(events_.expired, std::vector<std::string>{"1 news"});
  notes_.put(1, "ever", "1", "", {});
  EXPECT_FALSE(notes_.find(1, "ever")->from_application());
}

TEST_F(SubscriptionNotesTest, AllOfASubscriberGoTogether) {
  notes_.put(1, "a", "1", "", {10});
  notes_.put(1, "b", "1", "", {});
  notes_.put(2, "a", "1", "", {});
  notes_.erase_all(1);
  notes_.erase_all(7);
  EXPECT_EQ(notes_.size(), 1U);
  at(100);
  EXPECT_TRUE(events_.expired.empty());
}

}  // namespace
}  // namespace millrace

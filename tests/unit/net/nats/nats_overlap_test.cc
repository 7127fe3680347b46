#include "net/nats/nats_overlap.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>

#include "core/base/random.h"

namespace millrace {
namespace {

using Words = std::vector<std::string>;

// Messages are words, and the same word is the same message.
class Overlap : public ::testing::Test {
 protected:
  void from_old(const std::string& word) {
    overlap_.from_old(word, key(word), now_ms_, heard_, copies_);
  }
  void from_new(const std::string& word) {
    overlap_.from_new(word, key(word), now_ms_, heard_, copies_);
  }
  void end_old() { overlap_.end_old(heard_, copies_); }
  static std::uint64_t key(const std::string& word) { return std::hash<std::string>()(word); }

  NatsOverlap<std::string> overlap_{4};
  std::int64_t now_ms_ = 1'000;
  Words heard_;
  Words copies_;
};

TEST_F(Overlap, TheOldOneIsHeardAndCopiesOfTheNewAreNot) {
  from_old("a");
  from_new("a");
  from_old("b");
  from_new("b");
  EXPECT_EQ(heard_, (Words{"a", "b"}));
  EXPECT_EQ(copies_, (Words{"a", "b"}));
}

TEST_F(Overlap, WhatTheNewOneBringsFirstWaitsForTheOld) {
  from_new("a");
  from_new("b");
  EXPECT_EQ(heard_, Words{});
  from_old("a");
  EXPECT_EQ(heard_, Words{"a"});
  EXPECT_EQ(overlap_.withheld(), 1U);
  end_old();
  EXPECT_EQ(heard_, (Words{"a", "b"})) << "the old one was at its end before it";
  from_new("c");
  EXPECT_EQ(heard_, (Words{"a", "b", "c"}));
  EXPECT_EQ(copies_, Words{"a"});
}

TEST_F(Overlap, CopiesMayBeLateAfterTheEndOfTheOld) {
  from_old("a");
  from_old("b");
  end_old();
  from_new("a");
  from_new("b");
  from_new("c");
  EXPECT_EQ(heard_, (Words{"a", "b", "c"}));
}

TEST_F(Overlap, EqualOnesAreCounted) {
  from_old("tick");
  from_old("tick");
  from_new("tick");
  from_new("tick");
  from_new("tick");
  EXPECT_EQ(heard_, (Words{"tick", "tick"}));
  end_old();
  EXPECT_EQ(heard_, (Words{"tick", "tick", "tick"}));
  from_new("tick");
  EXPECT_EQ(heard_.size(), 4U);
}

// The new server did not have the interest yet: the copy of the first never comes.
TEST_F(Overlap, ACopyThatNeverCameDoesNotEatALaterOne) {
  from_old("tick");
  now_ms_ += kCopyLateMs - 1;
  from_new("x");
  from_old("x");
  end_old();
  from_new("tick");
  EXPECT_EQ(heard_, (Words{"tick", "x"})) << "it may still be the copy";

  NatsOverlap<std::string> other(4);
  heard_.clear();
  other.from_old("tick", 1, 0, heard_, copies_);
  other.end_old(heard_, copies_);
  other.from_new("tick", 1, kCopyLateMs, heard_, copies_);
  EXPECT_EQ(heard_, (Words{"tick", "tick"})) << "and now it is another one";
}

// One that comes every 200 ms. The copy of the first never comes, and each later one comes from the
// new server first: had the first been remembered, the last would be taken for its copy.
TEST_F(Overlap, WhatComesAgainAndAgainIsToldApart) {
  from_old("tick");
  for (int i = 0; i < 6; ++i) {
    now_ms_ += 200;
    from_new("tick");
    from_old("tick");
  }
  end_old();
  EXPECT_EQ(heard_.size(), 7U);
  now_ms_ += 200;
  from_new("tick");
  EXPECT_EQ(heard_.size(), 8U);
}

TEST_F(Overlap, WhatIsWithheldHasALimit) {
  for (const char* word : {"a", "b", "c", "d"}) from_new(word);
  EXPECT_EQ(heard_, Words{});
  from_new("e");
  EXPECT_EQ(heard_, Words{"a"}) << "heard at once";
  from_old("a");
  EXPECT_EQ(heard_, Words{"a"}) << "and not once more";
  from_old("b");
  EXPECT_EQ(heard_, (Words{"a", "b"}));
}

TEST_F(Overlap, ForgetsWhatBothHaveBrought) {
  for (int i = 0; i < 1'000; ++i) {
    now_ms_ += 10;
    const std::string word = std::to_string(i);
    from_old(word);
    from_new(word);
    EXPECT_LE(overlap_.remembered(), 152U);
  }
}

// Three publishers, each of whose words repeat, in its own order; two connections that interleave
// them as they like: the new one from somewhere on, the old one up to somewhere.
class OverlapModel {
 public:
  static constexpr std::size_t kPublishers = 3;
  static constexpr int kEach = 80;

  explicit OverlapModel(std::uint64_t seed) : random_(seed), distinct_(1 + random_.below(5)) {
    for (std::size_t p = 0; p < kPublishers; ++p) {
      first_new_[p] = static_cast<int>(random_.below(10));
      end_old_[p] = 20 + static_cast<int>(random_.below(kEach - 20));
      at_new_[p] = first_new_[p];
    }
  }

  // What is heard.
  Words run() {
    // Before the new server had the interest, and before that settled.
    for (std::size_t p = 0; p < kPublishers; ++p) {
      while (at_old_[p] < first_new_[p]) old_brings(p);
    }
    now_ms_ += kCopyLateMs;
    for (int i = 0; i < 400; ++i) {
      now_ms_ += random_.below(8) == 0 ? 1 : 0;
      const auto p = static_cast<std::size_t>(random_.below(kPublishers));
      if (random_.below(2) == 0) {
        if (at_old_[p] < end_old_[p]) old_brings(p);
      } else if (at_new_[p] < kEach) {
        new_brings(p);
      }
    }
    for (std::size_t p = 0; p < kPublishers; ++p) {
      while (at_old_[p] < end_old_[p]) old_brings(p);
    }
    overlap_.end_old(heard_, copies_);
    for (std::size_t p = 0; p < kPublishers; ++p) {
      while (at_new_[p] < kEach) new_brings(p);
    }
    return heard_;
  }
  [[nodiscard]] std::string word(std::size_t publisher, int i) const {
    return std::to_string(publisher) + ":" +
           std::to_string(static_cast<std::uint64_t>(i) % distinct_);
  }

 private:
  void old_brings(std::size_t p) {
    const std::string w = word(p, at_old_[p]++);
    overlap_.from_old(w, std::hash<std::string>()(w), now_ms_, heard_, copies_);
  }
  void new_brings(std::size_t p) {
    const std::string w = word(p, at_new_[p]++);
    overlap_.from_new(w, std::hash<std::string>()(w), now_ms_, heard_, copies_);
  }

  Random random_;
  const std::uint64_t distinct_;
  NatsOverlap<std::string> overlap_{1'000'000};
  std::array<int, kPublishers> at_old_{};
  std::array<int, kPublishers> at_new_{};
  std::array<int, kPublishers> first_new_{};
  std::array<int, kPublishers> end_old_{};
  std::int64_t now_ms_ = 0;
  Words heard_;
  Words copies_;
};

TEST(OverlapModel, EveryMessageOnceAndEachPublishersInOrder) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    OverlapModel model(seed);
    std::array<int, OverlapModel::kPublishers> next{};
    for (const std::string& word : model.run()) {
      const auto p = static_cast<std::size_t>(word[0] - '0');
      ASSERT_EQ(word, model.word(p, next[p])) << "seed " << seed;
      ++next[p];
    }
    for (const int count : next) ASSERT_EQ(count, OverlapModel::kEach) << "seed " << seed;
  }
}

}  // namespace
}  // namespace millrace

// The proof: what is complete is said to be so, and what is not is not.
#include <set>

#include "net/jet/stream_reader.h"
#include "tests/support/jet_world.h"

namespace millrace {
namespace {

class Proof : public testing::Test {
 protected:
  void publish(int from, int to, const std::string& channel = "a:x") {
    for (int i = from; i <= to; ++i) world_.publish(channel, std::to_string(i));
  }
  JetWorld world_;
};

TEST_F(Proof, WhoMissedExactlyTheHistoryHasMissedNoMore) {
  publish(1, 1 + static_cast<int>(JetWorld::kSize));
  EXPECT_EQ(world_.recover("a:x", 1), "1: 2 3 4 5 6 top 6 complete");
  publish(7, 7);
  EXPECT_EQ(world_.recover("a:x", 1), "1: 2 3 4 5 6 7 top 7");
  EXPECT_EQ(world_.recover("a:x", 2), "1: 3 4 5 6 7 top 7 complete");
}

TEST_F(Proof, AQuietChannelStandsWhereItsStreamDoes) {
  publish(1, 4, "a:other");
  EXPECT_EQ(world_.read("a:x"), "1: top 4");
  publish(5, 9, "a:other");
  EXPECT_EQ(world_.recover("a:x", 4), "1: top 9 complete");
  publish(1, 2);
  EXPECT_EQ(world_.recover("a:x", 4), "1: 1 2 top 11 complete");
}

TEST_F(Proof, AQuietPositionIsLostWithWhatCameBehindIt) {
  publish(1, 4, "a:other");
  publish(1, 6);
  EXPECT_EQ(world_.recover("a:x", 4), "1: 1 2 3 4 5 6 top 10");
  // The stream's own limits took what was behind it; of the channel nothing is left to tell.
  publish(5, 5, "a:other");
  JetModel::evict(world_.stream(), 11);
  EXPECT_EQ(world_.recover("a:x", 4), "1: top 11");
  EXPECT_EQ(world_.recover("a:x", 11), "1: top 11 complete");
}

TEST_F(Proof, WhatIsOlderThanThePositionProvesAsMuch) {
  publish(1, 2);
  publish(1, 3, "a:other");
  publish(3, 4);
  JetModel::evict(world_.stream(), 2);
  EXPECT_EQ(world_.recover("a:x", 4), "1: 3 4 top 7 complete");
  JetModel::evict(world_.stream(), 3);
  EXPECT_EQ(world_.recover("a:x", 4), "1: 3 4 top 7 complete") << "first is 3, not above 5";
  JetModel::evict(world_.stream(), 6);
  EXPECT_EQ(world_.recover("a:x", 4), "1: 3 4 top 7");
}

// What comes while somebody reads pushes out what was to be read.
TEST_F(Proof, FewMessagesUpToAPlaceProveNothingIfManyAreBehindIt) {
  publish(1, 1, "a:other");
  publish(1, 2);
  world_.ask("a:y");  // so that the keeper has been told
  ModelStream& stream = world_.stream();
  world_.link->loses = [&](const NatsPost& post) {
    // The answer to the first read is on its way; the rest happens before the next.
    if (post.headers.empty() || post.headers.back().first != "Nats-Time-Stamp") return false;
    world_.link->loses = nullptr;
    for (int i = 3; i <= 9; ++i) {
      world_.link->model.store(stream, {.subject = "a.x", .data = std::to_string(i)}, false);
    }
    return false;
  };
  world_.hub.answers.clear();
  EXPECT_EQ(world_.recover("a:x", 1).find("complete"), std::string::npos);
}

TEST_F(Proof, ARemovalIsNoQuietTime) {
  publish(1, 3, "a:other");
  publish(1, 3);
  world_.broker->remove_history("a:x", 5, world_.now);
  world_.turn();
  EXPECT_EQ(world_.hub.answer(), "5: top 6");
  EXPECT_EQ(world_.recover("a:x", 4).find("complete"), std::string::npos);
  EXPECT_NE(world_.recover("a:x", 6).find("complete"), std::string::npos);
  publish(4, 4);
  EXPECT_EQ(world_.recover("a:x", 3).find("complete"), std::string::npos);
  EXPECT_EQ(world_.recover("a:x", 6), "1: 4 top 8 complete");
  EXPECT_NE(world_.recover("a:other", 3).find("complete"), std::string::npos);
}

TEST_F(Proof, WhatAnOldLimitDroppedIsNotTakenForNeverPublished) {
  publish(1, 1, "a:other");
  world_.stream().per_subject = 2;
  publish(1, 4);
  world_.stream().per_subject = JetWorld::kSize + 1;
  EXPECT_NE(world_.recover("a:x", 1).find("complete"), std::string::npos)
      << "without a mark nobody can know";
  world_.link->publish({.subject = "millrace.mark.a.all", .data = "{}"});
  world_.pass(seconds(2));
  EXPECT_EQ(world_.recover("a:x", 1), "1: 3 4 top 5");
  EXPECT_EQ(world_.recover("a:x", 4), "1: 4 top 5 complete");
}

// Thousands of small cases against what really happened.
TEST_F(Proof, NeverClaimsMoreThanThereIs) {
  Random random(11);
  for (int round = 0; round < 60; ++round) {
    JetWorld world;
    ModelStream& stream = world.stream();
    std::vector<std::uint64_t> all;  // of a:x, whatever became of it
    for (int step = 0; step < 40; ++step) {
      const std::uint64_t dice = random.below(10);
      if (dice < 5) {
        all.push_back(world.link->model.store(stream, {.subject = "a.x", .data = "1"}, false));
      } else if (dice < 8) {
        world.link->model.store(stream, {.subject = "a.y", .data = "1"}, false);
      } else if (dice == 8 && !stream.messages.empty()) {
        JetModel::evict(stream, stream.first() + random.below(4));
      } else {
        world.link->model.lag = random.below(2) == 0 ? UINT64_MAX : random.below(stream.last + 1);
      }
      const std::uint64_t since = random.below(stream.last + 2);
      const std::string answer = world.recover("a:x", since);
      const bool claims = answer.find("complete") != std::string::npos;
      const auto missed = std::count_if(all.begin(), all.end(), [&](auto s) { return s > since; });
      const auto shown = std::count(answer.begin(), answer.end(), ' ') - (claims ? 3 : 2);
      if (claims) {
        ASSERT_EQ(shown, missed) << "round " << round << " step " << step << " since " << since
                                 << ": " << answer;
      }
      const auto kept = stream.of("a.x");
      const bool retained = std::find(kept.begin(), kept.end(), since) != kept.end();
      if (retained) {
        ASSERT_TRUE(claims) << answer;
      }
    }
  }
}

}  // namespace
}  // namespace millrace

#include "bench/load/publishing.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bench/load/payload.h"

namespace millrace::load {
namespace {

constexpr Instant kStart{10'000'000'000};

// A way to the server that writes down what goes through.
class Path final : public PublishPath {
 public:
  struct Sent {
    std::uint32_t client, id;
    std::string channel;
    Marks marks;
  };
  Room room(std::uint32_t) override { return state; }
  void send(std::uint32_t client, std::uint32_t id, Bytes channel, Bytes payload) override {
    sent.push_back({client, id, std::string(channel), find_marks(payload)});
  }
  [[nodiscard]] bool answers() const override { return true; }
  Room state = Room::kYes;
  std::vector<Sent> sent;
};

class PublishingTest : public testing::Test {
 protected:
  PublishingTest() : shared_(options_, AddressPlan(), 1), publishing_(shared_, path_, report_) {
    for (const char* name : {"a", "b"}) {
      LoadChannel& channel = shared_.channels.at(shared_.channels.add(name));
      channel.published = {0};
      channel.readers = 10;
    }
  }
  PublishOrder order() {
    PublishOrder order;
    order.start = kStart;
    order.end = kStart + seconds(1);
    order.lanes = {{7, 0, 0}, {7, 1, 0}};
    return order;
  }
  void answer_all(Instant now) {
    for (const Path::Sent& sent : path_.sent) publishing_.on_answer(sent.id, "", now);
  }

  Options options_;
  Shared shared_;
  Path path_;
  Report report_;
  Publishing publishing_;
};

TEST_F(PublishingTest, AScheduleGoesThroughTheLanesInTurnWithTheTimesTheyWereDue) {
  PublishOrder order = this->order();
  order.rate = 10;
  publishing_.begin(order);
  publishing_.run(kStart - nanoseconds(1));
  EXPECT_TRUE(path_.sent.empty());
  publishing_.run(kStart + milliseconds(350));  // late, and all keep their times
  ASSERT_EQ(path_.sent.size(), 4U);
  EXPECT_EQ(path_.sent[0].channel, "a");
  EXPECT_EQ(path_.sent[1].channel, "b");
  EXPECT_EQ(path_.sent[2].marks.seq, 2U);
  EXPECT_EQ(path_.sent[3].marks.at, kStart + milliseconds(300));
  EXPECT_EQ(publishing_.next_due(kStart + milliseconds(350)), kStart + milliseconds(400));
  EXPECT_EQ(shared_.expected.load(), 40U);
}

// The clock goes on between a run and the question of how long to sleep.
TEST_F(PublishingTest, WhatHasBecomeDueMeanwhileIsNotSleptOver) {
  PublishOrder order = this->order();
  order.rate = 1'000;
  publishing_.begin(order);
  publishing_.run(kStart);
  EXPECT_LE(publishing_.next_due(kStart + milliseconds(5)), kStart + milliseconds(1));
}

TEST_F(PublishingTest, WithoutRoomItWaitsAndWhatIsLeftAtTheEndIsUnsent) {
  PublishOrder order = this->order();
  order.rate = 10;
  publishing_.begin(order);
  path_.state = PublishPath::Room::kLater;
  publishing_.run(kStart + milliseconds(500));
  EXPECT_TRUE(path_.sent.empty());
  EXPECT_GE(publishing_.next_due(kStart + milliseconds(500)), order.end);
  publishing_.run(order.end + Publishing::kGrace);
  EXPECT_EQ(report_.unsent, 10U);
  EXPECT_FALSE(publishing_.busy());
}

TEST_F(PublishingTest, WhatIsDueBeforeTheEndMayLeaveALittleAfterIt) {
  PublishOrder order = this->order();
  order.rate = 10;
  publishing_.begin(order);
  publishing_.run(order.end + milliseconds(100));
  EXPECT_EQ(path_.sent.size(), 10U);
  EXPECT_EQ(report_.unsent, 0U);
  EXPECT_TRUE(publishing_.busy());  // until it is answered
  answer_all(order.end + milliseconds(200));
  EXPECT_FALSE(publishing_.busy());
  EXPECT_EQ(report_.publish_time.count(), 10U);
  EXPECT_EQ(report_.publish_time.max(), milliseconds(1'200));
}

TEST_F(PublishingTest, AClosedLoopWaitsForDeliveries) {
  PublishOrder order = this->order();
  order.in_flight = 3;
  publishing_.begin(order);
  publishing_.run(kStart);
  EXPECT_EQ(path_.sent.size(), 3U);
  EXPECT_FALSE(publishing_.has_room());
  shared_.delivered += 9;
  publishing_.run(kStart);
  EXPECT_EQ(path_.sent.size(), 3U);  // one reader still waits for the first
  shared_.delivered += 1;
  EXPECT_TRUE(publishing_.has_room());
  publishing_.run(kStart);
  EXPECT_EQ(path_.sent.size(), 4U);
  publishing_.run(order.end);
  EXPECT_EQ(path_.sent.size(), 4U);
}

TEST_F(PublishingTest, AClosedLoopOfClientsWaitsForAnswers) {
  PublishOrder order = this->order();
  order.lanes = {{1, 0, 0}, {2, 1, 0}};
  order.in_flight = 2;
  order.by_answer = true;
  publishing_.begin(order);
  publishing_.run(kStart);
  ASSERT_EQ(path_.sent.size(), 4U);
  publishing_.on_answer(path_.sent[1].id, "", kStart);
  publishing_.run(kStart);
  ASSERT_EQ(path_.sent.size(), 5U);
  EXPECT_EQ(path_.sent[4].client, 2U);
  EXPECT_EQ(path_.sent[4].marks.seq, 3U);
}

TEST_F(PublishingTest, AnErrorIsCountedAndNoDeliveryIsExpected) {
  PublishOrder order = this->order();
  order.rate = 1;
  order.count = 1;
  publishing_.begin(order);
  publishing_.run(kStart);
  EXPECT_EQ(shared_.expected.load(), 10U);
  publishing_.on_answer(path_.sent[0].id, "error 103", kStart);
  publishing_.on_answer(path_.sent[0].id, "error 103", kStart);  // it is known once
  EXPECT_EQ(report_.publish_errors.at("error 103"), 1U);
  EXPECT_EQ(shared_.expected.load(), 0U);
}

TEST_F(PublishingTest, ALostWayAnswersNothingMore) {
  PublishOrder order = this->order();
  order.rate = 100;
  publishing_.begin(order);
  publishing_.run(kStart + milliseconds(10));
  publishing_.lost();
  EXPECT_EQ(report_.publish_errors.at("no answer"), 2U);
  path_.state = PublishPath::Room::kNever;
  publishing_.run(order.end);
  EXPECT_EQ(report_.unsent, 98U);
  EXPECT_FALSE(publishing_.busy());
}

}  // namespace
}  // namespace millrace::load

#include "net/nats/nats_inbox.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/nats_harness.h"

namespace millrace {
namespace {

NatsMessage message_of(const std::string& data) {
  natsMsg* message = nullptr;
  CHECK_EQ(
      natsMsg_Create(&message, "game.abc", nullptr, data.data(), static_cast<int>(data.size())),
      NATS_OK);
  return NatsMessage(message);
}

class NatsInboxTest : public ::testing::Test {
 protected:
  // Messages are destroyed by the library, which must have been opened for that.
  static void SetUpTestSuite() { CHECK_EQ(nats_Open(-1), NATS_OK); }

  NoRing ring_;
  Waker waker_{ring_};
};

TEST_F(NatsInboxTest, KeepsOrderAndTellsWhoseAMessageIs) {
  NatsInbox inbox(10, 100, waker_);
  EXPECT_FALSE(inbox.waiting());
  inbox.push(message_of("a"), {1, 7});
  inbox.push(message_of("bc"), {2, 8});
  EXPECT_TRUE(inbox.waiting());
  std::vector<NatsInbound> taken;
  inbox.take(taken);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_STREQ(natsMsg_GetData(taken[0].message.get()), "a");
  EXPECT_EQ(taken[1].subscription.index, 2U);
  EXPECT_EQ(taken[1].subscription.generation, 8U);
  EXPECT_FALSE(inbox.waiting());
  EXPECT_EQ(inbox.dropped(), 0U);
}

TEST_F(NatsInboxTest, TakesItsLimitOfMessagesAndNotOneMore) {
  NatsInbox inbox(2, 100, waker_);
  for (int i = 0; i < 4; ++i) inbox.push(message_of("x"), {});
  EXPECT_EQ(inbox.dropped(), 2U);
  std::vector<NatsInbound> taken;
  inbox.take(taken);
  EXPECT_EQ(taken.size(), 2U);
  inbox.push(message_of("x"), {});
  EXPECT_EQ(inbox.dropped(), 2U);
}

TEST_F(NatsInboxTest, CountsBytesUntilTheyAreReleased) {
  NatsInbox inbox(100, 10, waker_);
  inbox.push(message_of("12345678901"), {});
  EXPECT_EQ(inbox.dropped(), 1U);
  inbox.push(message_of("123456789"), {});
  inbox.push(message_of("1"), {});
  EXPECT_EQ(inbox.dropped(), 1U) << "exactly full";
  inbox.push(message_of("1"), {});
  EXPECT_EQ(inbox.dropped(), 2U);
  inbox.push(message_of(""), {});
  EXPECT_EQ(inbox.dropped(), 2U);
  std::vector<NatsInbound> taken;
  inbox.take(taken);
  ASSERT_EQ(taken.size(), 3U);
  inbox.push(message_of("1"), {});
  EXPECT_EQ(inbox.dropped(), 3U) << "taken is not handled yet";
  for (NatsInbound& inbound : taken) inbox.release(inbound);
  EXPECT_EQ(taken[0].message, nullptr);
  inbox.push(message_of("1234567890"), {});
  EXPECT_EQ(inbox.dropped(), 3U);
}

// Of two connections, 1 and 2, and a queue group's.
class NatsInboxOverlap : public NatsInboxTest {
 protected:
  void bring(std::uint32_t connection, const std::string& data, bool shared = true) {
    inbox_.push(message_of(data), {1, 7}, connection, shared);
  }
  std::string heard() {
    std::vector<NatsInbound> taken;
    inbox_.take(taken);
    std::string all;
    for (NatsInbound& inbound : taken) {
      all += natsMsg_GetData(inbound.message.get());
      inbox_.release(inbound);
    }
    return all;
  }

  NatsInbox inbox_{100, 8, waker_};
};

TEST_F(NatsInboxOverlap, HearsWhatTwoConnectionsBringOnce) {
  bring(1, "a");
  inbox_.begin_overlap(2);
  EXPECT_EQ(heard(), "a");
  bring(2, "b");
  bring(1, "b");
  bring(2, "c");
  EXPECT_EQ(heard(), "b");
  bring(1, "d");
  bring(2, "d");
  bring(2, "e");
  inbox_.end_old();
  EXPECT_TRUE(inbox_.waiting());
  EXPECT_EQ(heard(), "dce") << "what the old one never brought came after all it did";
  bring(2, "f");
  EXPECT_EQ(heard(), "f");
  inbox_.end_overlap();
  bring(2, "f");
  EXPECT_EQ(heard(), "f");
  EXPECT_FALSE(inbox_.waiting());
  bring(2, "12345678");
  EXPECT_EQ(heard(), "12345678") << "copies count for no bytes any more";
  EXPECT_EQ(inbox_.dropped(), 0U);
}

TEST_F(NatsInboxOverlap, WhatComesOnceIsHeardAtOnce) {
  inbox_.begin_overlap(2);
  bring(2, "a", false);
  bring(1, "a", false);
  EXPECT_EQ(heard(), "aa");
}

// A shard that was busy looks once, when the whole move is behind it.
TEST_F(NatsInboxOverlap, AMoveThatNobodySawDoublesNothing) {
  inbox_.begin_overlap(2);
  bring(1, "a");
  bring(2, "a");
  inbox_.end_old();
  bring(2, "b");
  inbox_.end_overlap();
  bring(2, "c");
  EXPECT_EQ(heard(), "abc");
}

TEST_F(NatsInboxOverlap, AMoveThatIsGivenUpLosesNothing) {
  inbox_.begin_overlap(2);
  bring(1, "a");
  bring(2, "a");
  bring(2, "b");
  EXPECT_EQ(heard(), "a");
  inbox_.end_overlap();
  EXPECT_EQ(heard(), "b");
  inbox_.begin_overlap(3);
  bring(3, "c");
  bring(1, "c");
  EXPECT_EQ(heard(), "c");
}

}  // namespace
}  // namespace millrace

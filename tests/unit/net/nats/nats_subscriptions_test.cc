#include "net/nats/nats_subscriptions.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/nats_harness.h"
#include "tests/support/nats_server.h"

namespace millrace {
namespace {

class NatsSubscriptionsTest : public ::testing::Test {
 protected:
  NatsSubscriptionsTest() : client_(server_.url()) { connect(); }
  ~NatsSubscriptionsTest() override {
    natsConnection_Destroy(connection_);
    subscriptions_.forget_connection();
  }

  void connect() {
    natsOptions* options = nullptr;
    CHECK_EQ(natsOptions_Create(&options), NATS_OK);
    const std::string url = server_.url();
    CHECK_EQ(natsOptions_SetURL(options, url.c_str()), NATS_OK);
    CHECK_EQ(natsOptions_UseGlobalMessageDelivery(options, true), NATS_OK);
    CHECK_EQ(natsConnection_Connect(&connection_, options), NATS_OK);
    natsOptions_Destroy(options);
  }
  void reconnect() {
    natsConnection_Destroy(connection_);
    subscriptions_.forget_connection();
    subscriptions_.wait_until_quiet();
    connect();
  }
  // Whose messages have come, after a message to each subject.
  std::vector<std::uint32_t> heard(const std::vector<std::string>& subjects) {
    CHECK_EQ(natsConnection_FlushTimeout(connection_, 5'000), NATS_OK);
    for (const std::string& subject : subjects) client_.publish(subject, "1");
    client_.flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::vector<NatsInbound> taken;
    inbox_.take(taken);
    std::vector<std::uint32_t> generations;
    for (NatsInbound& inbound : taken) {
      generations.push_back(inbound.subscription.generation);
      inbox_.release(inbound);
    }
    return generations;
  }

  using Generations = std::vector<std::uint32_t>;

  NatsServer server_;
  NatsClient client_;
  NoRing ring_;
  Waker waker_{ring_};
  NatsInbox inbox_{100, 1'000, waker_};
  NatsSubscriptions subscriptions_{inbox_};
  natsConnection* connection_ = nullptr;
};

TEST_F(NatsSubscriptionsTest, BeginsAndEndsAtOnceWhileConnected) {
  ASSERT_TRUE(subscriptions_.add({0, 10}, "a", connection_));
  ASSERT_TRUE(subscriptions_.add({5, 15}, "b", connection_));
  EXPECT_EQ(subscriptions_.size(), 2U);
  EXPECT_EQ(heard({"a", "b", "c"}), (Generations{10, 15}));
  subscriptions_.remove(0, true);
  EXPECT_EQ(subscriptions_.size(), 1U);
  ASSERT_TRUE(subscriptions_.add({0, 11}, "a", connection_));
  EXPECT_EQ(heard({"a", "b"}), (Generations{11, 15}));
  EXPECT_EQ(server_.monitored("/connz?sort=start", "subscriptions"), 0) << "the client's";
  EXPECT_EQ(subscriptions_.take_dropped(), 0U);
}

TEST_F(NatsSubscriptionsTest, RestoreMakesUpForWhatNobodyWasTold) {
  ASSERT_TRUE(subscriptions_.add({0, 10}, "a", connection_));
  ASSERT_TRUE(subscriptions_.add({1, 11}, "b", nullptr));
  ASSERT_TRUE(subscriptions_.add({2, 12}, "c", nullptr));
  subscriptions_.remove(2, false);
  subscriptions_.remove(0, false);
  ASSERT_TRUE(subscriptions_.add({0, 20}, "a", nullptr));
  EXPECT_EQ(heard({"a", "b", "c"}), (Generations{10})) << "so far the old state";
  ASSERT_TRUE(subscriptions_.restore(*connection_));
  EXPECT_EQ(heard({"a", "b", "c"}), (Generations{20, 11}));
  ASSERT_TRUE(subscriptions_.restore(*connection_));
  EXPECT_EQ(heard({"a", "b"}), (Generations{20, 11})) << "twice is once";
}

TEST_F(NatsSubscriptionsTest, OutlivesItsConnection) {
  ASSERT_TRUE(subscriptions_.add({0, 10}, "a", connection_));
  ASSERT_TRUE(subscriptions_.add({1, 11}, "b", connection_));
  reconnect();
  EXPECT_EQ(heard({"a", "b"}), Generations{});
  subscriptions_.remove(1, false);
  ASSERT_TRUE(subscriptions_.restore(*connection_));
  EXPECT_EQ(heard({"a", "b"}), Generations{10});
}

TEST_F(NatsSubscriptionsTest, AClosedConnectionRefusesAndNothingIsLost) {
  natsConnection_Close(connection_);
  EXPECT_FALSE(subscriptions_.add({0, 10}, "a", connection_));
  EXPECT_FALSE(subscriptions_.restore(*connection_));
  EXPECT_EQ(subscriptions_.size(), 1U);
  reconnect();
  ASSERT_TRUE(subscriptions_.restore(*connection_));
  EXPECT_EQ(heard({"a"}), Generations{10});
}

}  // namespace
}  // namespace millrace

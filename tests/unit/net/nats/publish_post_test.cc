#include "net/nats/publish_post.h"

#include <gtest/gtest.h>

#include "net/nats/nats_inbox.h"
#include "tests/support/nats_harness.h"
#include "tests/support/nats_server.h"

namespace millrace {
namespace {

// What a subscriber of a client's gets of a post.
class PublishPost : public ::testing::Test {
 protected:
  PublishPost() {
    CHECK_EQ(natsConnection_ConnectTo(&connection_, server_.url().c_str()), NATS_OK);
    CHECK_EQ(natsConnection_SubscribeSync(&subscription_, connection_, "a.b"), NATS_OK);
  }
  ~PublishPost() override {
    natsSubscription_Destroy(subscription_);
    natsConnection_Destroy(connection_);
  }

  NatsMessage sent(const NatsPost& post) {
    EXPECT_EQ(publish_post(*connection_, post), NATS_OK);
    natsMsg* message = nullptr;
    EXPECT_EQ(natsSubscription_NextMsg(&message, subscription_, 5'000), NATS_OK);
    return NatsMessage(message);
  }

  NatsServer server_;
  natsConnection* connection_ = nullptr;
  natsSubscription* subscription_ = nullptr;
};

TEST_F(PublishPost, DataAlone) {
  const NatsMessage message = sent({.subject = "a.b", .data = std::string("1\0002", 3)});
  const NatsMessageView view(*message);
  EXPECT_EQ(view.subject(), "a.b");
  EXPECT_EQ(view.data(), std::string("1\0002", 3));
  EXPECT_EQ(view.reply(), "");
  EXPECT_EQ(view.header("Any"), "");
  EXPECT_FALSE(view.no_responders());
}

TEST_F(PublishPost, WithWhereAnAnswerIsWanted) {
  const NatsMessage message = sent({.subject = "a.b", .data = "", .reply = "c.d"});
  EXPECT_EQ(NatsMessageView(*message).reply(), "c.d");
  EXPECT_EQ(NatsMessageView(*message).data(), "");
}

TEST_F(PublishPost, WithHeaders) {
  const NatsMessage message = sent({.subject = "a.b",
                                    .data = "{}",
                                    .reply = "c.d",
                                    .headers = {{"Nats-Msg-Id", "x"}, {"Two", "a b"}}});
  const NatsMessageView view(*message);
  EXPECT_EQ(view.header("Nats-Msg-Id"), "x");
  EXPECT_EQ(view.header("Two"), "a b");
  EXPECT_EQ(view.header("nats-msg-id"), "") << "names are told apart by case";
  EXPECT_EQ(view.reply(), "c.d");
  EXPECT_EQ(view.data(), "{}");
}

}  // namespace
}  // namespace millrace

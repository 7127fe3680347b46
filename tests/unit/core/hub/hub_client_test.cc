#include "core/hub/hub_client.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

// Publishes and asks for nothing else.
class Publisher final : public HubClient {
 public:
  void on_published(std::uint32_t ticket, bool accepted) override {
    if (accepted) last = ticket;
  }
  std::uint32_t last = 0;
};

TEST(HubClientDeathTest, AnAnswerThatNobodyAskedForIsABug) {
  Publisher publisher;
  HubClient& client = publisher;
  client.on_published(7, true);
  EXPECT_EQ(publisher.last, 7U);
  EXPECT_DEATH(client.on_subscribed("a", 1, {}), "CHECK");
  EXPECT_DEATH(client.on_lost("a", false), "CHECK");
  EXPECT_DEATH(client.on_held(SharedBytes()), "CHECK");
  EXPECT_DEATH(client.on_history(1, {}), "CHECK");
  EXPECT_DEATH(client.on_presence(1, {}), "CHECK");
  EXPECT_DEATH(client.on_presence_counts(1, {}), "CHECK");
  EXPECT_DEATH(static_cast<void>(client.member("a")), "CHECK");
}

}  // namespace
}  // namespace millrace

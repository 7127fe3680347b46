#include "net/session/pending_connects.h"

#include <gtest/gtest.h>

#include "core/hub/stream_store.h"

namespace millrace {
namespace {

SharedBytes frame(std::size_t size) { return SharedBytes::copy_of(std::string(size, 'f')); }

constexpr std::size_t kMostHeld = 1'000;

TEST(PendingConnect, HoldsFramesInOrderUpToItsLimit) {
  PendingConnect connect(1, {.queue_bytes = 4'000});
  EXPECT_FALSE(connect.hold(frame(kMostHeld + 1)));
  EXPECT_TRUE(connect.hold(frame(1)));
  EXPECT_TRUE(connect.hold(frame(kMostHeld - 2)));
  EXPECT_FALSE(connect.hold(frame(2)));
  EXPECT_TRUE(connect.hold(frame(1)));
  EXPECT_FALSE(connect.hold(frame(1)));
  ASSERT_EQ(connect.held.size(), 3U);
  EXPECT_EQ(connect.held[0].size(), 1U);
  EXPECT_EQ(connect.held[1].size(), kMostHeld - 2);
  EXPECT_EQ(connect.held_bytes, kMostHeld);
}

class PendingConnectNotes : public testing::Test {
 protected:
  // A channel that has missed two publications of so many bytes in all.
  PendingConnect::Channel note(std::size_t bytes) {
    const std::string first(bytes - 1, 'a');
    const std::vector<KeptPublication> missed{
        {.offset = 8, .data = first, .info = {.user = "anna", .client = "id"}},
        {.offset = 9, .data = "b"}};
    SubscribeOutcome outcome;
    outcome.recoverable = outcome.was_recovering = outcome.recovered = true;
    outcome.position = {7, Epoch::of_bits(5)};
    outcome.publications = missed;
    PendingConnect::Channel channel{.name = "news"};
    connect_.note(channel, outcome);
    EXPECT_TRUE(channel.outcome.publications.empty()) << "views";
    EXPECT_TRUE(channel.outcome.was_recovering);
    EXPECT_EQ(channel.outcome.position.epoch, Epoch::of_bits(5));
    return channel;
  }
  PendingConnect connect_{1, {}};
};

TEST_F(PendingConnectNotes, OwnWhatTheBrokerTold) {
  const PendingConnect::Channel channel = note(10);
  EXPECT_TRUE(channel.outcome.recovered);
  EXPECT_EQ(channel.outcome.position.offset, 7U);
  ASSERT_EQ(channel.publications.size(), 2U);
  EXPECT_EQ(channel.publications[0].offset, 8U);
  EXPECT_EQ(channel.publications[0].data, std::string(9, 'a'));
  EXPECT_EQ(unpack_client_info(channel.publications[0].info).user, "anna");
  EXPECT_EQ(channel.publications[1].data, "b");
}

TEST_F(PendingConnectNotes, WhatIsTooMuchIsNotRecoveredAndSaysSo) {
  const std::size_t around =
      2 * StreamStore::kPageEnvelope + pack_client_info({.user = "anna", .client = "id"}).size();
  const std::size_t most = connect_.recovered_limit - around;
  const PendingConnect::Channel none = note(most + 1);
  EXPECT_FALSE(none.outcome.recovered);
  EXPECT_TRUE(none.publications.empty()) << "never a part";
  EXPECT_EQ(none.outcome.position.offset, 9U) << "it goes on from there";
  EXPECT_TRUE(note(most - around - 2).outcome.recovered);
  EXPECT_FALSE(note(3).outcome.recovered) << "of the same reply";
  EXPECT_TRUE(note(2).outcome.recovered);
  EXPECT_FALSE(note(2).outcome.recovered);
}

}  // namespace
}  // namespace millrace

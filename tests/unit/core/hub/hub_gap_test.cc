// Who may have missed something of a channel that keeps nothing.
#include <gtest/gtest.h>

#include "tests/unit/core/hub/hub_streams_world.h"

namespace millrace {
namespace {

using Missed = std::vector<SubscriberId>;

using HubGap = HubWithStreams;

TEST_F(HubGap, NamesThoseWithoutAPosition) {
  subscribe(1, {});
  subscribe(2, {});
  subscribe(3, {}, "b");
  join(4, 0);
  const InterestToken until = hub_.last_interest();
  const auto a = hub_.gap(0, until);
  ASSERT_TRUE(a.has_value());
  EXPECT_EQ(a->channel, "a");
  EXPECT_EQ(a->missed, (Missed{1, 2}));
  EXPECT_EQ(hub_.gap(1, until)->missed, Missed{3});
  EXPECT_FALSE(hub_.gap(2, until).has_value()) << "behind the table";
}

TEST_F(HubGap, PassesOverChannelsThatCameLater) {
  subscribe(1, {});
  const InterestToken until = hub_.last_interest();
  subscribe(2, {}, "b");
  EXPECT_TRUE(hub_.gap(0, until).has_value());
  EXPECT_FALSE(hub_.gap(1, until).has_value());
  hub_.unsubscribe(1, "a", Instant{});
  EXPECT_FALSE(hub_.gap(0, until).has_value()) << "nobody is there";
}

TEST_F(HubGap, PassesOverWhoIsNotLiveYet) {
  world_.broker.at_once = false;
  EXPECT_EQ(subscribe(1, {}), Hub::Subscribe::kPending);
  EXPECT_TRUE(hub_.gap(0, hub_.last_interest())->missed.empty());
}

TEST_F(HubGap, WhoLosesIsToldOnce) {
  subscribe(1, {});
  subscribe(2, {.server_side = true});
  EXPECT_TRUE(hub_.lose(1, "a", Instant{}));
  EXPECT_FALSE(hub_.lose(1, "a", Instant{}));
  EXPECT_TRUE(hub_.lose(2, "a", Instant{}));
  EXPECT_EQ(sink_.take_losses(), (Losses{{1, "a"}, {2, "a"}}));
  EXPECT_EQ(sink_.lost_of_server.size(), 1U);
  EXPECT_FALSE(hub_.lose(1, "never", Instant{}));
  hub_.validate();
}

}  // namespace
}  // namespace millrace

#include "core/hub/hub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/core/hub/hub_world.h"

namespace millrace {
namespace {

using World = HubWorld;

TEST(Hub, DeliversToWhoIsSubscribed) {
  World world;
  EXPECT_EQ(world.subscribe(3, "a"), Hub::Subscribe::kLive);
  EXPECT_EQ(world.subscribe(5, "a"), Hub::Subscribe::kLive);
  EXPECT_EQ(world.subscribe(5, "b"), Hub::Subscribe::kLive);
  EXPECT_EQ(world.publish("a"), (Ids{3, 5}));
  EXPECT_EQ(world.publish("b"), (Ids{5}));
  EXPECT_EQ(world.publish("nobody"), Ids{});
  EXPECT_EQ(world.metrics.publications_total, 2U) << "those with a subscriber here";
  EXPECT_EQ(world.metrics.channels, 2U);
  EXPECT_EQ(world.metrics.subscriptions, 3U);
}

TEST(Hub, TellsTheBrokerOfTheFirstAndTheLastOnly) {
  World world;
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kLive);
  EXPECT_EQ(world.subscribe(2, "a"), Hub::Subscribe::kLive);
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kAlready);
  EXPECT_TRUE(world.unsubscribe(1, "a"));
  EXPECT_FALSE(world.unsubscribe(1, "a"));
  EXPECT_TRUE(world.unsubscribe(2, "a"));
  EXPECT_EQ(world.subscribe(2, "a"), Hub::Subscribe::kLive);
  world.drop(2);
  EXPECT_EQ(world.broker.calls, (std::vector<std::string>{"+a", "-a", "+a", "-a"}));
}

TEST(Hub, APendingChannelGetsNothingUntilItIsLive) {
  World world;
  world.broker.at_once = false;
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kPending);
  EXPECT_EQ(world.subscribe(2, "a"), Hub::Subscribe::kPending);
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kAlready);
  EXPECT_EQ(world.publish("a"), Ids{});
  EXPECT_EQ(world.metrics.publications_total, 0U);
  world.hub.on_interest_ready("a", world.broker.interest["a"]);
  EXPECT_EQ(world.sink.take("live"), (Ids{1, 2}));
  EXPECT_EQ(world.publish("a"), (Ids{1, 2}));
  EXPECT_EQ(world.subscribe(3, "a"), Hub::Subscribe::kLive);
  world.hub.on_interest_ready("a", world.broker.interest["a"]);
  EXPECT_EQ(world.sink.take("live"), Ids{}) << "told once";
}

TEST(Hub, WhoLeftMeanwhileIsNotToldThatItIsSubscribed) {
  World world;
  world.broker.at_once = false;
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kPending);
  EXPECT_EQ(world.subscribe(2, "a"), Hub::Subscribe::kPending);
  world.drop(1);
  world.hub.on_interest_ready("a", world.broker.interest["a"]);
  EXPECT_EQ(world.sink.take("live"), (Ids{2}));
}

TEST(Hub, ASubscriptionThatWasPendingIsToldWithItsOwnTicket) {
  World world;
  world.broker.at_once = false;
  EXPECT_EQ(world.subscribe(1, "a", 11), Hub::Subscribe::kPending);
  EXPECT_EQ(world.subscribe(1, "b", 12), Hub::Subscribe::kPending);
  EXPECT_EQ(world.subscribe(2, "a", UINT32_MAX), Hub::Subscribe::kPending);
  EXPECT_EQ(world.subscribe(3, "a", 0), Hub::Subscribe::kPending);
  EXPECT_EQ(world.subscribe(1, "a", 13), Hub::Subscribe::kAlready);
  EXPECT_EQ(world.hub.pending(1, "a"), 11U) << "not that of the one that was refused";
  EXPECT_EQ(world.hub.pending(1, "b"), 12U);
  EXPECT_EQ(world.hub.pending(2, "b"), std::nullopt);
  EXPECT_EQ(world.hub.pending(40'000, "a"), std::nullopt);
  EXPECT_EQ(world.hub.pending(1, "c"), std::nullopt);
  world.hub.on_interest_ready("a", world.broker.interest["a"]);
  EXPECT_EQ(world.sink.tickets,
            (std::map<SubscriberId, std::uint32_t>{{1, 11}, {2, UINT32_MAX}, {3, 0}}));
  EXPECT_EQ(world.hub.pending(1, "a"), std::nullopt);
  EXPECT_EQ(world.hub.pending(1, "b"), 12U);
  EXPECT_EQ(world.subscribe(4, "a", 14), Hub::Subscribe::kLive);
  EXPECT_EQ(world.hub.pending(4, "a"), std::nullopt);
}

// Who leaves is replaced by the last in the channel's array; whoever that is must still be found.
TEST(Hub, ManyLeaveALargeChannelInAnyOrder) {
  World world;
  std::vector<SubscriberId> all;
  for (SubscriberId who = 0; who < 3'000; ++who) {
    if (who % 3 == 0) static_cast<void>(world.subscribe(who, "other"));
    static_cast<void>(world.subscribe(who, "a"));
    all.push_back(who);
  }
  std::shuffle(all.begin(), all.end(), std::mt19937(1));
  Ids left(all.begin(), all.end());
  for (const SubscriberId who : all) {
    world.drop(who);
    left.erase(who);
    if (left.size() % 500 != 0) continue;
    ASSERT_EQ(world.publish("a"), left);
    world.hub.validate();
  }
}

TEST(Hub, AStaleConfirmationIsIgnored) {
  World world;
  world.broker.at_once = false;
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kPending);
  const InterestToken stale = world.broker.interest["a"];
  EXPECT_TRUE(world.unsubscribe(1, "a"));
  world.hub.on_interest_ready("a", stale);  // nobody is there at all
  EXPECT_EQ(world.subscribe(2, "a"), Hub::Subscribe::kPending);
  world.hub.on_interest_ready("a", stale);  // that of the one before
  EXPECT_EQ(world.sink.take("live"), Ids{});
  EXPECT_EQ(world.publish("a"), Ids{});
  world.hub.on_interest_ready("a", world.broker.interest["a"]);
  EXPECT_EQ(world.sink.take("live"), (Ids{2}));
}

TEST(Hub, ASubscriberHasALimitOfChannels) {
  World world({.channels = 100, .channels_per_subscriber = 3});
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(world.subscribe(1, name), Hub::Subscribe::kLive);
  }
  EXPECT_EQ(world.subscribe(1, "d"), Hub::Subscribe::kSubscriberLimit);
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kAlready);
  EXPECT_EQ(world.hub.subscriptions_of(1), 3U);
  EXPECT_EQ(world.subscribe(2, "d"), Hub::Subscribe::kLive) << "its own limit only";
  EXPECT_TRUE(world.unsubscribe(1, "b"));
  EXPECT_EQ(world.subscribe(1, "d"), Hub::Subscribe::kLive);
  world.hub.validate();
}

TEST(Hub, AShardHasALimitOfChannels) {
  World world({.channels = 2, .channels_per_subscriber = 100});
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kLive);
  EXPECT_EQ(world.subscribe(1, "b"), Hub::Subscribe::kLive);
  EXPECT_EQ(world.subscribe(1, "c"), Hub::Subscribe::kChannelLimit);
  EXPECT_EQ(world.subscribe(2, "a"), Hub::Subscribe::kLive) << "it exists already";
  EXPECT_FALSE(world.broker.interest.contains("c"));
  world.hub.validate();
  EXPECT_TRUE(world.unsubscribe(1, "b"));
  EXPECT_EQ(world.subscribe(2, "c"), Hub::Subscribe::kLive);
}

TEST(Hub, StrangersAreNoError) {
  World world;
  EXPECT_FALSE(world.unsubscribe(40, "a"));
  EXPECT_FALSE(world.hub.subscribed(40, "a"));
  EXPECT_EQ(world.hub.subscriptions_of(40), 0U);
  world.drop(40);
  EXPECT_EQ(world.subscribe(1, "a"), Hub::Subscribe::kLive);
  EXPECT_FALSE(world.unsubscribe(40, "a"));
  EXPECT_FALSE(world.hub.subscribed(40, "a"));
}

TEST(Hub, TheNextTenantOfAnIndexInheritsNothing) {
  World world;
  for (const char* name : {"a", "b", "c"}) static_cast<void>(world.subscribe(7, name));
  world.drop(7);
  EXPECT_EQ(world.hub.subscriptions_of(7), 0U);
  EXPECT_EQ(world.subscribe(7, "a"), Hub::Subscribe::kLive);
  EXPECT_EQ(world.publish("b"), Ids{});
  EXPECT_EQ(world.publish("a"), (Ids{7}));
}

TEST(Hub, PublishesThroughTheBrokerAndHandsItsOutcomeOn) {
  World world;
  static_cast<void>(world.subscribe(1, "a"));
  world.hub.publish({.channel = "a", .data = "x"}, {}, 42, Instant{});
  EXPECT_EQ(world.broker.calls.back(), "!a/42");
  EXPECT_TRUE(world.sink.seen.empty()) << "delivered when the broker says so";
  world.hub.on_published(42, PublishOutcome::kUnavailable, {});
  EXPECT_EQ(world.sink.outcomes.at(42), PublishOutcome::kUnavailable);
}

// --- Against a model ----------------------------------------------------------------------------

struct ModelChannel {
  std::set<SubscriberId> subscribers;
  bool live = false;
};

class HubModel : public testing::TestWithParam<unsigned> {
 protected:
  static constexpr std::size_t kChannels = 12;
  static constexpr std::size_t kPerSubscriber = 6;

  HubModel() : world_({.channels = kChannels, .channels_per_subscriber = kPerSubscriber}) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::size_t channels_of(SubscriberId who) const {
    std::size_t count = 0;
    for (const auto& [name, channel] : model_) count += channel.subscribers.count(who);
    return count;
  }
  void leave(SubscriberId who, const std::string& name) {
    const auto found = model_.find(name);
    if (found == model_.end() || found->second.subscribers.erase(who) == 0) return;
    if (found->second.subscribers.empty()) model_.erase(found);
  }

  void subscribe(SubscriberId who, const std::string& name) {
    world_.broker.at_once = below(2) == 0;
    const bool exists = model_.contains(name);
    Hub::Subscribe expected = Hub::Subscribe::kLive;
    if (exists && model_[name].subscribers.contains(who)) {
      expected = Hub::Subscribe::kAlready;
    } else if (channels_of(who) == kPerSubscriber) {
      expected = Hub::Subscribe::kSubscriberLimit;
    } else if (!exists && model_.size() == kChannels) {
      expected = Hub::Subscribe::kChannelLimit;
    } else {
      if (!exists) model_[name].live = world_.broker.at_once;
      model_[name].subscribers.insert(who);
      if (!model_[name].live) expected = Hub::Subscribe::kPending;
    }
    ASSERT_EQ(world_.subscribe(who, name), expected);
  }

  void confirm(const std::string& name) {
    const auto token = world_.broker.interest.find(name);
    if (token == world_.broker.interest.end()) return;
    ModelChannel& channel = model_.at(name);
    world_.hub.on_interest_ready(name, token->second);
    const Ids told = world_.sink.take("live");
    ASSERT_EQ(told,
              channel.live ? Ids{} : Ids(channel.subscribers.begin(), channel.subscribers.end()));
    channel.live = true;
  }

  void publish(const std::string& name) {
    const auto found = model_.find(name);
    Ids expected;
    if (found != model_.end() && found->second.live) {
      expected = Ids(found->second.subscribers.begin(), found->second.subscribers.end());
    }
    ASSERT_EQ(world_.publish(name), expected);
  }

  void compare() {
    std::size_t subscriptions = 0;
    std::set<std::string> names;
    for (const auto& [name, channel] : model_) {
      subscriptions += channel.subscribers.size();
      names.insert(name);
    }
    ASSERT_EQ(world_.metrics.subscriptions, subscriptions);
    ASSERT_EQ(world_.metrics.channels, model_.size());
    ASSERT_EQ(world_.broker.interest.size(), names.size());
    for (const auto& [name, token] : world_.broker.interest) ASSERT_TRUE(names.contains(name));
    world_.hub.validate();
  }

  std::mt19937 random_{GetParam()};
  World world_;
  std::map<std::string, ModelChannel> model_;
};

TEST_P(HubModel, DoesWhatTheModelDoes) {
  for (int step = 0; step < 4'000; ++step) {
    const auto who = static_cast<SubscriberId>(below(20));
    const std::string name = "channel:" + std::to_string(below(16));
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        subscribe(who, name);
        break;
      case 3: {
        const bool was = model_.contains(name) && model_[name].subscribers.contains(who);
        ASSERT_EQ(world_.hub.subscribed(who, name), was);
        ASSERT_EQ(world_.unsubscribe(who, name), was);
        leave(who, name);
        break;
      }
      case 4:
        if (below(4) != 0) break;
        world_.drop(who);
        for (std::size_t i = 0; i < 16; ++i) leave(who, "channel:" + std::to_string(i));
        break;
      case 5:
        confirm(name);
        break;
      default:
        publish(name);
    }
    ASSERT_EQ(world_.hub.subscriptions_of(who), channels_of(who));
    compare();
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, HubModel, testing::Range(1U, 9U));

}  // namespace
}  // namespace millrace

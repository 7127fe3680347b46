#include "tests/unit/core/hub/hub_streams_world.h"

namespace millrace {
namespace {

class HubStreamsPositions : public HubWithStreams {};

// --- positions -----------------------------------------------------------------------------------

TEST_F(HubStreamsPositions, WhatHasComeByIsNotDeliveredAgain) {
  join(1);
  EXPECT_EQ(publish(1), Ids{1});
  EXPECT_EQ(publish(2), Ids{1});
  EXPECT_EQ(publish(2), Ids{});
  EXPECT_EQ(publish(1), Ids{});
  EXPECT_EQ(world_.metrics.publications_repeated_total, 2U);
  EXPECT_EQ(world_.metrics.publications_total, 2U);
  EXPECT_EQ(publish(3), Ids{1});
}

TEST_F(HubStreamsPositions, AHoleEndsTheSubscriptionsOfThoseWhoAreToBeTold) {
  join(1);
  ASSERT_EQ(subscribe(2, {}), Hub::Subscribe::kLive);
  SubscribeOptions of_server = positioned();
  of_server.server_side = true;
  join(3, of_server, top(0));
  ASSERT_EQ(subscribe(4, positioned()), Hub::Subscribe::kPending);
  EXPECT_EQ(publish(1), (Ids{1, 2, 3}));
  EXPECT_EQ(publish(3), Ids{2});
  EXPECT_EQ(sink_.take_losses(), (Losses{{1, "a"}, {3, "a"}}));
  EXPECT_EQ(sink_.lost_of_server, Ids{3});
  EXPECT_FALSE(hub_.subscribed(1, "a"));
  EXPECT_EQ(world_.metrics.positions_lost_total, 1U);
  answer(2, top(3));
  EXPECT_EQ(last_answer(4).outcome.position.offset, 3U) << "it has missed nothing";
  EXPECT_EQ(publish(4), (Ids{2, 4}));
}

TEST_F(HubStreamsPositions, OffsetsThatOnlyGrowAreNoHole) {
  join(1, 10);
  EXPECT_EQ(publish(14, 10), Ids{1});
  EXPECT_EQ(publish(20, 12), Ids{1}) << "evicted: less than what was seen";
  EXPECT_EQ(publish(30, 0), Ids{1}) << "nobody knows";
  EXPECT_EQ(publish(40, 31), Ids{});
  EXPECT_EQ(sink_.take_losses(), (Losses{{1, "a"}}));
}

TEST_F(HubStreamsPositions, AnotherEpochEndsSubscriptionsToo) {
  join(1, 5);
  ASSERT_EQ(subscribe(2, {}), Hub::Subscribe::kLive);
  EXPECT_EQ(publish(1, 0, kOther), Ids{2});
  EXPECT_EQ(sink_.take_losses(), (Losses{{1, "a"}}));
  join(3, positioned(), top(1, kOther));
  EXPECT_EQ(publish(2, 1, kOther), (Ids{2, 3}));
}

TEST_F(HubStreamsPositions, AJoinersTopShowsWhatTheOthersHaveMissed) {
  join(1, 5);
  join(2, 7);
  EXPECT_EQ(sink_.take_losses(), (Losses{{1, "a"}}));
  EXPECT_EQ(answers(2), 1U);
  join(3, positioned(), top(7, kOther));
  EXPECT_EQ(sink_.take_losses(), (Losses{{2, "a"}}));
  EXPECT_EQ(publish(8, 7, kOther), Ids{3});
}

TEST_F(HubStreamsPositions, WhoIsToldOfALossMayEndOthers) {
  for (SubscriberId who = 1; who <= 4; ++who) join(who);
  sink_.when_lost = [this](SubscriberId) {
    for (SubscriberId who = 1; who <= 4; ++who) world_.drop(who);
  };
  EXPECT_EQ(publish(2), Ids{});
  EXPECT_EQ(sink_.take_losses().size(), 1U);
  EXPECT_TRUE(world_.broker.interest.empty());
  EXPECT_EQ(world_.metrics.publications_total, 0U) << "nobody is left";
}

TEST_F(HubStreamsPositions, WhoIsToldOfALossMayEndTheJoinThatShowedIt) {
  join(1);
  ASSERT_EQ(subscribe(2, positioned()), Hub::Subscribe::kPending);
  sink_.when_lost = [this](SubscriberId) { world_.drop(2); };
  answer(1, top(2));
  EXPECT_EQ(answers(2), 0U);
  EXPECT_TRUE(world_.broker.interest.empty());
}

// A sink names members by views that live until the next call; a publisher's is one of them.
TEST_F(HubStreamsPositions, WhatAPublicationViewsMayGoWithALoss) {
  SubscribeOptions options = positioned();
  options.presence = kTold;
  join(1, options, top(0));
  ASSERT_EQ(subscribe(2, {}), Hub::Subscribe::kLive);
  const ClientInfo publisher = sink_.member(9, "a");
  std::string data = "what was published";
  sink_.when_lost = [&data](SubscriberId) { data = "something else, and longer"; };
  hub_.on_publication({"a", data, publisher, {2, kEpoch}, 1});
  EXPECT_EQ(sink_.take("what was published"), Ids{2});
  EXPECT_EQ(sink_.info, "/client9");
}

TEST_F(HubStreamsPositions, AskingForTopsFindsAHoleAtTheEnd) {
  join(1, 5);
  ASSERT_EQ(subscribe(2, {}, "plain"), Hub::Subscribe::kLive);
  hub_.check_positions(hub_.channel_slots(), Instant{});
  ASSERT_EQ(world_.broker.questions.size(), 2U) << "nobody of the other is to be told";
  EXPECT_EQ(world_.broker.questions[1].channel, "a");
  EXPECT_EQ(world_.broker.questions[1].query.limit, 0U);
  answer(1, top(5));
  hub_.check_positions(hub_.channel_slots(), Instant{});
  answer(2, {.outcome = HistoryOutcome::kUnavailable});
  EXPECT_TRUE(hub_.subscribed(1, "a"));
  hub_.check_positions(hub_.channel_slots(), Instant{});
  answer(3, top(6));
  EXPECT_EQ(sink_.take_losses(), (Losses{{1, "a"}}));
  answer(3, top(7));
}

TEST_F(HubStreamsPositions, TopsAreAskedForInTurn) {
  hub_.check_positions(3, Instant{});
  for (const char* name : {"a", "b", "c"}) join(1, positioned(), top(0), name);
  world_.broker.questions.clear();
  world_.broker.answer = [this](const auto& question) { hub_.on_history(question.token, top(1)); };
  for (int i = 0; i < 3; ++i) hub_.check_positions(1, Instant{});
  EXPECT_EQ(sink_.take_losses(), (Losses{{1, "a"}, {1, "b"}, {1, "c"}})) << "answered at once";
  hub_.check_positions(100, Instant{});
}

TEST_F(HubStreamsPositions, AnAnswerAboutAChannelThatIsGoneIsNoAnswer) {
  join(1, 5);
  hub_.check_positions(1, Instant{});
  world_.drop(1);
  join(2, 7);
  answer(1, top(5, kOther));
  EXPECT_TRUE(sink_.take_losses().empty());
}

// --- what else the hub keeps ---------------------------------------------------------------------

TEST_F(HubStreamsPositions, WhatIsHeldIsMarkedUntilItIsReleased) {
  SubscribeOptions options = positioned();
  options.held = true;
  join(1, options, top(0));
  join(2);
  EXPECT_EQ(publish(1), (Ids{1, 2}));
  EXPECT_EQ(std::exchange(sink_.held, {}), Ids{1});
  hub_.release(1);
  hub_.release(40'000);
  EXPECT_EQ(publish(2), (Ids{1, 2}));
  EXPECT_EQ(sink_.held, Ids{});
}

TEST_F(HubStreamsPositions, PatchesAreForThoseWhoHaveTheBase) {
  join(1, delta(), top(0));
  join(2);
  EXPECT_EQ(publish(1), (Ids{1, 2}));
  EXPECT_EQ(sink_.patched["1"], Ids{}) << "it has nothing yet";
  join(3, delta(), top(1));
  publish(2);
  EXPECT_EQ(sink_.patched["2"], Ids{1});
  EXPECT_EQ(sink_.bases["2"], "1");
  publish(3);
  EXPECT_EQ(sink_.patched["3"], (Ids{1, 3}));
}

// A namespace that keeps nothing for a while, by a reload.
TEST_F(HubStreamsPositions, WhatHasNoPositionIsNoBase) {
  join(1, delta(), top(0));
  publish(1);
  publish(2);
  EXPECT_EQ(sink_.patched["2"], Ids{1});
  world_.hub.on_publication({.channel = "a", .data = "between"});
  EXPECT_EQ(sink_.bases["between"], "");
  publish(3);
  EXPECT_EQ(sink_.patched["3"], Ids{});
  publish(4);
  EXPECT_EQ(sink_.patched["4"], Ids{1});
}

TEST_F(HubStreamsPositions, WhatWasRecoveredIsABase) {
  SubscribeOptions options = delta();
  options.recoverable = options.recovering = true;
  options.since = StreamPosition{1, kEpoch};
  const std::vector<KeptPublication> missed{{2, "2"}, {3, "3"}};
  join(1, options, {.top = {3, kEpoch}, .complete = true, .publications = missed});
  EXPECT_TRUE(last_answer(1).outcome.delta);
  options.since->offset = 3;
  join(2, options, {.top = {3, kEpoch}, .complete = true});
  publish(4);
  EXPECT_EQ(sink_.patched["4"], Ids{1}) << "the other has missed nothing and has nothing";
  EXPECT_EQ(sink_.bases["4"], "3");
}

TEST_F(HubStreamsPositions, ABaseDoesNotOutliveThoseWhoHaveIt) {
  join(1, delta(), top(0));
  join(2);
  publish(1);
  world_.drop(1);
  publish(2);
  EXPECT_EQ(sink_.bases["2"], "");
  join(3, delta(), top(2));
  publish(3);
  EXPECT_EQ(sink_.patched["3"], Ids{});
  EXPECT_EQ(sink_.bases["3"], "");
}

TEST_F(HubStreamsPositions, ABreakEndsABase) {
  SubscribeOptions only_delta = delta();
  only_delta.positioned = false;
  join(1, only_delta, top(0));
  publish(1);
  EXPECT_EQ(publish(3), Ids{1}) << "it is not promised to be told";
  EXPECT_EQ(sink_.patched["3"], Ids{});
  publish(4);
  EXPECT_EQ(sink_.patched["4"], Ids{1});
}

TEST_F(HubStreamsPositions, WithoutAStreamThereAreNoPatches) {
  SubscribeOptions options = delta();
  options.stream = {};
  EXPECT_EQ(subscribe(1, options), Hub::Subscribe::kLive);
  world_.hub.on_publication({.channel = "a", .data = "x"});
  world_.hub.on_publication({.channel = "a", .data = "y"});
  EXPECT_EQ(sink_.patched["y"], Ids{});
  world_.drop(1);
}

TEST_F(HubStreamsPositions, AMemberIsOneFromTheReplyToTheEnd) {
  using Members = std::set<std::pair<std::string, std::string>>;
  const Members& members = world_.broker.members;
  SubscribeOptions options = positioned();
  options.presence = kTold;
  subscribe(1, options);
  EXPECT_EQ(members, Members{});
  answer(0, top(0));
  EXPECT_EQ(members, (Members{{"a", "client1"}}));
  subscribe(2, options);
  world_.unsubscribe(2, "a");  // it never was one
  EXPECT_EQ(subscribe(3, {.presence = {.announce = true}}), Hub::Subscribe::kLive);
  join(4, options, {.outcome = HistoryOutcome::kUnavailable});
  EXPECT_EQ(members, (Members{{"a", "client1"}, {"a", "client3"}}));
  publish(2);
  EXPECT_EQ(members, (Members{{"a", "client3"}})) << "it missed something, and is gone";
  world_.unsubscribe(3, "a");
  EXPECT_EQ(members, Members{});
}

TEST_F(HubStreamsPositions, ChangesAreForThoseWhoWantThem) {
  SubscribeOptions wants = positioned();
  wants.announce = true;
  join(1, wants, top(0));
  join(2);
  subscribe(3, wants);
  const std::vector<PresenceChange> changes{{true, {.client = "x"}}, {false, {.client = "y"}}};
  hub_.on_presence_changes("a", changes);
  hub_.on_presence_changes("nobody", changes);
  EXPECT_EQ(sink_.told_presence, (std::map<SubscriberId, std::size_t>{{1, 2}}));
}

TEST_F(HubStreamsPositions, QuestionsAndTheirAnswersAreHandedOn) {
  world_.broker.interest["b"] = 0;
  hub_.read_history("b", {.limit = 3}, kKept, 42, Instant{});
  hub_.read_presence("b", true, 43, Instant{});
  world_.broker.interest.erase("b");
  EXPECT_EQ(world_.broker.questions[0].token, 42U);
  EXPECT_EQ(world_.broker.calls.back(), "#b/43");
  answer(0, top(5));
  EXPECT_EQ(sink_.tops.at(42).offset, 5U);
  hub_.on_presence(43, {.counts = {2, 1}});
  EXPECT_EQ(sink_.counts.at(43), (PresenceCounts{2, 1}));
}

// --- what a stream that many channels share tells ---------------------------------------------

TEST_F(HubStreamsPositions, ATopAheadOfTheLastPublicationIsNoHole) {
  join(1, 4);
  HistoryPage page = top(9);
  page.newest = 4;
  join(2, positioned(), page);
  EXPECT_TRUE(hub_.subscribed(1, "a"));
  EXPECT_EQ(last_answer(2).outcome.position.offset, 9U);
  EXPECT_EQ(publish(12, 0), (Ids{1, 2}));
  page = top(20);
  page.newest = 13;
  join(3, positioned(), page);
  EXPECT_FALSE(hub_.subscribed(1, "a")) << "13 has not come by";
}

TEST_F(HubStreamsPositions, APositionThatComesUnaskedIsAHoleIfItIsAhead) {
  join(1, 4);
  ASSERT_EQ(hub_.subscribe(2, "a", {}, Instant{}), Hub::Subscribe::kLive);
  hub_.on_position("a", {4, kEpoch});
  EXPECT_TRUE(hub_.subscribed(1, "a"));
  hub_.on_position("a", {5, kEpoch});
  EXPECT_FALSE(hub_.subscribed(1, "a"));
  EXPECT_TRUE(hub_.subscribed(2, "a")) << "nothing was promised to it";
  EXPECT_EQ(publish(6, 0), Ids{2});
}

TEST_F(HubStreamsPositions, AnotherEpochThatComesUnaskedIsTold) {
  join(1, 4);
  hub_.on_position("b", {0, kOther});
  hub_.on_position("a", {0, kOther});
  EXPECT_FALSE(hub_.subscribed(1, "a"));
}

}  // namespace
}  // namespace millrace

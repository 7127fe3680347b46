#include "tests/unit/core/hub/hub_streams_world.h"

namespace millrace {
namespace {

class HubStreams : public HubWithStreams {};

// --- joining -------------------------------------------------------------------------------------

TEST_F(HubStreams, WhoJoinsIsToldThePositionAndGetsNothingBefore) {
  EXPECT_EQ(subscribe(1, positioned(7)), Hub::Subscribe::kPending);
  EXPECT_EQ(hub_.pending(1, "a"), 7U);
  EXPECT_EQ(subscribe(1, positioned(8)), Hub::Subscribe::kAlready);
  EXPECT_EQ(publish(1), Ids{});
  EXPECT_EQ(answers(1), 0U);
  answer(0, top(1));
  EXPECT_EQ(hub_.pending(1, "a"), std::nullopt);
  ASSERT_EQ(answers(1), 1U);
  EXPECT_EQ(last_answer(1).ticket, 7U);
  EXPECT_EQ(last_answer(1).outcome.position, (StreamPosition{1, kEpoch}));
  EXPECT_TRUE(last_answer(1).outcome.positioned);
  EXPECT_FALSE(last_answer(1).outcome.recoverable);
  EXPECT_FALSE(last_answer(1).outcome.was_recovering);
  EXPECT_EQ(publish(2), Ids{1});
  answer(0, top(2));
  EXPECT_EQ(answers(1), 1U) << "told once, whatever the broker does";
}

TEST_F(HubStreams, AnAnswerMayComeFromInsideTheQuestion) {
  world_.broker.answer = [this](const auto& question) { hub_.on_history(question.token, top(4)); };
  EXPECT_EQ(subscribe(1, positioned(7)), Hub::Subscribe::kPending);
  ASSERT_EQ(answers(1), 1U);
  EXPECT_EQ(last_answer(1).outcome.position.offset, 4U);
  EXPECT_EQ(publish(5), Ids{1});
}

TEST_F(HubStreams, ARefusalMayComeFromInsideTheQuestion) {
  world_.broker.answer = [this](const auto& question) {
    hub_.on_history(question.token, {.outcome = HistoryOutcome::kUnavailable});
  };
  EXPECT_EQ(subscribe(1, positioned(7)), Hub::Subscribe::kPending);
  EXPECT_EQ(last_answer(1).outcome.failure, Failure::kUnavailable);
  EXPECT_FALSE(hub_.subscribed(1, "a"));
  EXPECT_TRUE(world_.broker.interest.empty());
}

TEST_F(HubStreams, TheStreamIsAskedForOnceInterestIsReady) {
  world_.broker.at_once = false;
  EXPECT_EQ(subscribe(1, positioned(7)), Hub::Subscribe::kPending);
  EXPECT_EQ(subscribe(2, {.ticket = 8}), Hub::Subscribe::kPending);
  EXPECT_TRUE(world_.broker.questions.empty());
  EXPECT_EQ(hub_.pending(1, "a"), 7U);
  world_.confirm("a");
  EXPECT_EQ(sink_.take("live"), Ids{2}) << "who needs no stream need not wait for it";
  EXPECT_EQ(world_.broker.questions.size(), 1U);
  EXPECT_EQ(world_.broker.questions[0].options, kKept);
  EXPECT_EQ(publish(1), Ids{2});
  answer(0, top(1));
  EXPECT_EQ(sink_.take("live"), Ids{1});
}

TEST_F(HubStreams, WhoLeavesWhileJoiningIsNotAnswered) {
  subscribe(1, positioned());
  subscribe(2, positioned());
  EXPECT_TRUE(world_.unsubscribe(1, "a"));
  answer(0, top(1));
  EXPECT_EQ(answers(1), 0U);
  world_.drop(2);
  EXPECT_TRUE(world_.broker.interest.empty());
  answer(1, top(1));
  EXPECT_EQ(answers(2), 0U);
  hub_.validate();
}

TEST_F(HubStreams, TheNextTenantIsNotAnsweredForTheOneBefore) {
  subscribe(1, positioned(7));
  world_.drop(1);
  subscribe(1, positioned(8));
  answer(0, top(3));
  EXPECT_EQ(answers(1), 0U);
  EXPECT_EQ(hub_.pending(1, "a"), 8U);
  answer(1, top(4));
  ASSERT_EQ(answers(1), 1U);
  EXPECT_EQ(last_answer(1).ticket, 8U);
  EXPECT_EQ(last_answer(1).outcome.position.offset, 4U);
}

TEST_F(HubStreams, ABrokerThatCantTellRefuses) {
  join(1);
  join(2, positioned(9), {.outcome = HistoryOutcome::kUnavailable});
  EXPECT_EQ(last_answer(2).outcome.failure, Failure::kUnavailable);
  EXPECT_EQ(last_answer(2).ticket, 9U);
  EXPECT_FALSE(hub_.subscribed(2, "a"));
  EXPECT_EQ(publish(1), Ids{1});
  EXPECT_TRUE(sink_.take_losses().empty());
}

// Otherwise what came by since then would be missing without a word.
TEST_F(HubStreams, ATopBehindWhatHasComeByIsNoAnswer) {
  join(1);
  EXPECT_EQ(publish(1), Ids{1});
  EXPECT_EQ(publish(2), Ids{1});
  join(2, positioned(), top(1));
  EXPECT_EQ(last_answer(2).outcome.failure, Failure::kUnavailable);
  EXPECT_EQ(publish(3), Ids{1});
}

TEST_F(HubStreams, SoManyMayWaitForStreams) {
  for (SubscriberId who = 0; who < 8; ++who) {
    EXPECT_EQ(subscribe(who, positioned()), Hub::Subscribe::kPending);
  }
  EXPECT_EQ(subscribe(8, positioned()), Hub::Subscribe::kBusy);
  EXPECT_EQ(subscribe(8, positioned(), "b"), Hub::Subscribe::kBusy);
  EXPECT_FALSE(world_.broker.interest.contains("b"));
  EXPECT_EQ(subscribe(8, {}), Hub::Subscribe::kLive) << "it needs no stream";
  answer(3, top(0));
  EXPECT_EQ(subscribe(9, positioned()), Hub::Subscribe::kPending);
  EXPECT_EQ(subscribe(10, positioned()), Hub::Subscribe::kBusy);
}

// Answers that come at once end the subscriptions of those who were answered before; who takes
// their places in the channel must still be asked for.
TEST_F(HubStreams, EverybodyWhoWaitedIsAnsweredWhateverTheAnswersDo) {
  world_.broker.at_once = false;
  for (SubscriberId who = 1; who <= 6; ++who) subscribe(who, positioned());
  std::uint64_t offset = 0;
  world_.broker.answer = [&](const auto& question) {
    offset += 2;  // each shows that what the ones before had is not all
    const bool refused = offset == 8;
    hub_.on_history(question.token,
                    refused ? HistoryPage{.outcome = HistoryOutcome::kUnavailable} : top(offset));
  };
  world_.confirm("a");
  for (SubscriberId who = 1; who <= 6; ++who) EXPECT_EQ(answers(who), 1U) << who;
  EXPECT_EQ(sink_.losses.size(), 4U);
  EXPECT_TRUE(hub_.subscribed(6, "a"));
}

// --- recovery ------------------------------------------------------------------------------------

TEST_F(HubStreams, RecoversAllThatWasMissed) {
  SubscribeOptions options = recovering(StreamPosition{3, kEpoch});
  options.recovery_limit = 20;
  const std::vector<KeptPublication> missed{{4, "4"}, {5, "5"}};
  join(1, options, {.top = {5, kEpoch}, .complete = true, .publications = missed});
  const HistoryQuery& query = world_.broker.questions[0].query;
  EXPECT_EQ(query.since, (StreamPosition{3, kEpoch}));
  EXPECT_EQ(query.limit, 20U);
  EXPECT_FALSE(query.reverse);
  const SubscribeOutcome& outcome = last_answer(1).outcome;
  EXPECT_TRUE(outcome.was_recovering && outcome.recovered && outcome.recoverable);
  EXPECT_EQ(outcome.position, (StreamPosition{3, kEpoch})) << "where the publications begin";
  EXPECT_EQ(last_answer(1).publications, (std::vector<std::string>{"4", "5"}));
  EXPECT_EQ(publish(5), Ids{});
  EXPECT_EQ(publish(6), Ids{1});
  EXPECT_EQ(world_.metrics.recoveries_total, 1U);
  EXPECT_EQ(world_.metrics.unrecovered_total, 0U);
}

TEST_F(HubStreams, APartOfWhatWasMissedIsNotShown) {
  const std::vector<KeptPublication> part{{5, "5"}};
  join(1, recovering(StreamPosition{3, kEpoch}), {.top = {5, kEpoch}, .publications = part});
  EXPECT_TRUE(last_answer(1).outcome.was_recovering);
  EXPECT_FALSE(last_answer(1).outcome.recovered);
  EXPECT_EQ(last_answer(1).outcome.position.offset, 5U);
  EXPECT_TRUE(last_answer(1).publications.empty());
  EXPECT_EQ(publish(6), Ids{1});
  EXPECT_EQ(world_.metrics.unrecovered_total, 1U);
}

TEST_F(HubStreams, AnotherEpochIsNotRecovered) {
  join(1, recovering(StreamPosition{3, kOther}),
       {.outcome = HistoryOutcome::kWrongEpoch, .top = {9, kEpoch}});
  EXPECT_FALSE(last_answer(1).outcome.recovered);
  EXPECT_EQ(last_answer(1).outcome.failure, Failure::kNone);
  EXPECT_EQ(last_answer(1).outcome.position, (StreamPosition{9, kEpoch}));
}

TEST_F(HubStreams, WhoStoodNowhereThatIsKnownIsNotRecovered) {
  join(1, recovering(std::nullopt), {.top = {9, kEpoch}, .complete = true});
  EXPECT_EQ(world_.broker.questions[0].query.since, std::nullopt);
  EXPECT_EQ(world_.broker.questions[0].query.limit, 0U);
  EXPECT_TRUE(last_answer(1).outcome.was_recovering);
  EXPECT_FALSE(last_answer(1).outcome.recovered);
  EXPECT_EQ(last_answer(1).outcome.position.offset, 9U);
}

TEST_F(HubStreams, AllOrNothingIsRefusedWithoutAll) {
  SubscribeOptions known = recovering(StreamPosition{3, kEpoch});
  known.all_or_nothing = true;
  SubscribeOptions unknown = known;
  unknown.since.reset();
  SubscribeOptions fresh = positioned();
  fresh.all_or_nothing = true;
  join(1, known, top(5));
  join(2, known, {.outcome = HistoryOutcome::kWrongEpoch, .top = {5, kOther}});
  join(3, unknown, top(5));
  for (SubscriberId who = 1; who <= 3; ++who) {
    EXPECT_EQ(last_answer(who).outcome.failure, Failure::kUnrecoverable);
    EXPECT_FALSE(hub_.subscribed(who, "a"));
  }
  EXPECT_EQ(world_.metrics.unrecovered_total, 3U);
  join(4, known, {.top = {3, kEpoch}, .complete = true});
  EXPECT_TRUE(last_answer(4).outcome.recovered);
  join(5, fresh, top(3));
  EXPECT_EQ(last_answer(5).outcome.failure, Failure::kNone) << "it does not come back";
}

}  // namespace
}  // namespace millrace

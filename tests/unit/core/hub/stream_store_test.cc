#include "core/hub/stream_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/allocated_bytes.h"
#include "tests/unit/core/hub/stream_store_fixture.h"

namespace millrace {
namespace {

TEST_F(StreamStoreTest, NumbersAreContiguousFromOneInOneEpoch) {
  const StreamPosition first = publish("a", "x");
  EXPECT_EQ(first.offset, 1U);
  EXPECT_FALSE(first.epoch.none());
  EXPECT_EQ(publish("a", "y"), (StreamPosition{2, first.epoch}));
  const StreamPosition other = publish("b", "x");
  EXPECT_EQ(other.offset, 1U);
  EXPECT_NE(other.epoch, first.epoch);
}

TEST_F(StreamStoreTest, ReadingAnUnknownChannelGivesItAnEpoch) {
  const HistoryPage page = read({.limit = 10});
  EXPECT_EQ(page.outcome, HistoryOutcome::kOk);
  EXPECT_EQ(page.top.offset, 0U);
  EXPECT_FALSE(page.top.epoch.none());
  EXPECT_TRUE(page.publications.empty());
  EXPECT_EQ(publish("a", "x").epoch, page.top.epoch);
}

TEST_F(StreamStoreTest, KeepsDataAndWhoPublished) {
  const ClientInfo info{"user", "client", R"({"c":1})", R"({"s":2})"};
  const std::string data("\0binary\n", 8);
  store_.append("a", data, info, options_, {});
  const HistoryPage page = read({.limit = 1});
  ASSERT_EQ(page.publications.size(), 1U);
  EXPECT_EQ(page.publications[0].data, data);
  EXPECT_EQ(page.publications[0].info, info);
}

// --- gaps ----------------------------------------------------------------------------------------

TEST_F(StreamStoreTest, Gap0IsCompleteAndEmpty) {
  publish_many("a", 9);
  const HistoryPage page = since(9);
  EXPECT_TRUE(page.complete);
  EXPECT_TRUE(page.publications.empty());
  EXPECT_EQ(page.top.offset, 9U);
}

TEST_F(StreamStoreTest, GapOfSizeMinus1IsComplete) {
  publish_many("a", 9);
  const HistoryPage page = since(5);
  EXPECT_TRUE(page.complete);
  EXPECT_EQ(offsets(page), (Offsets{6, 7, 8, 9}));
}

TEST_F(StreamStoreTest, GapOfSizeIsComplete) {
  publish_many("a", 9);
  const HistoryPage page = since(4);
  EXPECT_TRUE(page.complete);
  EXPECT_EQ(offsets(page), (Offsets{5, 6, 7, 8, 9}));
  EXPECT_EQ(page.publications[0].data, "data5");
}

TEST_F(StreamStoreTest, GapOfSizePlus1IsNotComplete) {
  publish_many("a", 9);
  const HistoryPage page = since(3);
  EXPECT_EQ(page.outcome, HistoryOutcome::kOk);
  EXPECT_FALSE(page.complete);
  EXPECT_EQ(offsets(page), (Offsets{5, 6, 7, 8, 9})) << "history may show what there is";
}

TEST_F(StreamStoreTest, BeforeTheTtlIsCompleteAndAtItIsNot) {
  publish_many("a", 2, at(0));
  publish_many("a", 1, at(10));
  EXPECT_TRUE(since(0, at(59'999)).complete);
  const HistoryPage page = since(0, at(60'000));
  EXPECT_FALSE(page.complete);
  EXPECT_EQ(offsets(page), (Offsets{3}));
  EXPECT_TRUE(since(2, at(60'009)).complete);
  EXPECT_FALSE(since(2, at(60'010)).complete);
  EXPECT_TRUE(since(3, at(60'010)).complete) << "who has all has all, whatever is kept";
  EXPECT_EQ(store_.publications(), 0U);
}

TEST_F(StreamStoreTest, AheadOfTheTopIsNotComplete) {
  publish_many("a", 3);
  for (const std::uint64_t offset : {std::uint64_t{4}, std::uint64_t{5}, UINT64_MAX}) {
    const HistoryPage page = since(offset);
    EXPECT_EQ(page.outcome, HistoryOutcome::kOk);
    EXPECT_FALSE(page.complete) << offset;
    EXPECT_TRUE(page.publications.empty());
  }
}

TEST_F(StreamStoreTest, AnotherEpochIsToldWithTheRightPosition) {
  publish_many("a", 3);
  const Epoch other = Epoch::of_bits(99);
  const HistoryPage page = read({.since = StreamPosition{2, other}, .limit = 300});
  EXPECT_EQ(page.outcome, HistoryOutcome::kWrongEpoch);
  EXPECT_FALSE(page.complete);
  EXPECT_TRUE(page.publications.empty());
  EXPECT_EQ(page.top, (StreamPosition{3, epoch("a")}));
}

TEST_F(StreamStoreTest, NoEpochMeansAny) {
  publish_many("a", 3);
  const HistoryPage page = read({.since = StreamPosition{1, {}}, .limit = 300});
  EXPECT_TRUE(page.complete);
  EXPECT_EQ(offsets(page), (Offsets{2, 3}));
}

// --- pages ---------------------------------------------------------------------------------------

TEST_F(StreamStoreTest, ALimitThatCutsIsNotComplete) {
  publish_many("a", 5);
  EXPECT_FALSE(since(0, {}, 4).complete);
  EXPECT_EQ(offsets(since(0, {}, 4)), (Offsets{1, 2, 3, 4}));
  EXPECT_TRUE(since(0, {}, 5).complete);
  EXPECT_EQ(offsets(read({.limit = 2})), (Offsets{1, 2}));
  EXPECT_FALSE(read({.limit = 5}).complete) << "without `since` nobody has missed anything";
}

TEST_F(StreamStoreTest, Limit0IsThePositionOnly) {
  publish_many("a", 5);
  EXPECT_TRUE(read({}).publications.empty());
  EXPECT_EQ(read({}).top.offset, 5U);
  EXPECT_FALSE(since(4, {}, 0).complete);
  EXPECT_TRUE(since(5, {}, 0).complete);
}

TEST_F(StreamStoreTest, ReverseGoesBackFromTheNewest) {
  publish_many("a", 7);
  const auto back = [this](std::optional<std::uint64_t> offset, std::uint32_t limit) {
    HistoryQuery query{.limit = limit, .reverse = true};
    if (offset) query.since = StreamPosition{*offset, {}};
    const HistoryPage page = read(query);
    EXPECT_FALSE(page.complete);
    return offsets(page);
  };
  EXPECT_EQ(back({}, 2), (Offsets{7, 6}));
  EXPECT_EQ(back(6, 300), (Offsets{5, 4, 3}));
  EXPECT_EQ(back(3, 300), Offsets{});
  EXPECT_EQ(back(0, 300), Offsets{});
  EXPECT_EQ(back(8, 1), (Offsets{7}));
  EXPECT_EQ(back(UINT64_MAX, 1), (Offsets{7}));
}

class StreamStoreOfSmallPages : public StreamStoreTest {
 protected:
  StreamStoreOfSmallPages() : StreamStoreTest({.page_bytes = 300}) {}
};

TEST_F(StreamStoreOfSmallPages, APageThatIsCutIsNotComplete) {
  for (int i = 0; i < 4; ++i) publish("a", "0123456789");  // 138 bytes each
  EXPECT_FALSE(since(0).complete);
  EXPECT_EQ(offsets(since(0)), (Offsets{1, 2}));
  EXPECT_EQ(offsets(read({.limit = 300, .reverse = true})), (Offsets{4, 3}));
  EXPECT_TRUE(since(2).complete);
}

TEST_F(StreamStoreOfSmallPages, APageHoldsOnePublicationHoweverLarge) {
  publish("a", std::string(1'000, 'x'));
  publish("a", "y");
  EXPECT_EQ(offsets(since(0)), (Offsets{1}));
  EXPECT_TRUE(since(1).complete);
}

// --- what goes -----------------------------------------------------------------------------------

TEST_F(StreamStoreTest, RemoveDropsAllButTheTop) {
  publish_many("a", 3);
  const Epoch before = epoch("a");
  EXPECT_EQ(store_.remove("a", {}), (StreamPosition{3, before}));
  EXPECT_FALSE(since(2).complete);
  EXPECT_TRUE(since(3).complete);
  EXPECT_EQ(publish("a", "x"), (StreamPosition{4, before}));
  EXPECT_EQ(offsets(since(3)), (Offsets{4}));
}

TEST_F(StreamStoreTest, RemoveOfNothingMakesNothing) {
  EXPECT_EQ(store_.remove("a", {}), StreamPosition{});
  EXPECT_EQ(store_.streams(), 0U);
}

TEST_F(StreamStoreTest, APositionIsForgottenMetaAgeAfterItsLastUse) {
  const StreamPosition before = publish("a", "x", at(0));
  EXPECT_EQ(read({}, at(3'599'999)).top, before) << "and that was a use";
  EXPECT_EQ(read({}, at(2 * 3'599'999)).top, before);
  const StreamPosition after = read({}, at(2 * 3'599'999 + 3'600'000)).top;
  EXPECT_EQ(after.offset, 0U);
  EXPECT_NE(after.epoch, before.epoch);
}

TEST_F(StreamStoreTest, APositionOutlivesWhatIsKept) {
  options_.meta_age = seconds(1);
  publish("a", "x", at(0));
  EXPECT_EQ(offsets(read({.limit = 1}, at(59'999))), (Offsets{1}));
}

TEST_F(StreamStoreTest, NewOptionsHoldFromTheNextUseOn) {
  publish_many("a", 5, at(0));
  options_.size = 2;
  EXPECT_EQ(offsets(read({.limit = 300}, at(1))), (Offsets{4, 5}));
  options_ = {.size = 5, .age = milliseconds(10), .meta_age = seconds(1)};
  EXPECT_EQ(offsets(read({.limit = 300}, at(9))), (Offsets{4, 5}));
  EXPECT_EQ(offsets(read({.limit = 300}, at(10))), Offsets{});
}

TEST_F(StreamStoreTest, SpansWithoutEndHaveNone) {
  options_ = {.size = 5, .age = {INT64_MAX}, .meta_age = {INT64_MAX}};
  publish("a", "x", at(5));
  EXPECT_EQ(store_.next_sweep(), Instant::never());
  EXPECT_TRUE(since(0, Instant{INT64_MAX - 1}).complete);
}

TEST_F(StreamStoreTest, TheSweeperGivesBackWhatNobodyAsksFor) {
  const std::int64_t before = allocated_bytes();
  EXPECT_EQ(store_.next_sweep(), Instant::never());
  publish_many("a", 3, at(0));
  publish_many("b", 3, at(500));
  EXPECT_EQ(store_.next_sweep(), at(60'000));
  EXPECT_EQ(store_.sweep(at(59'999)), at(60'000));
  EXPECT_EQ(store_.publications(), 6U);
  EXPECT_EQ(store_.sweep(at(60'000)), at(60'500));
  EXPECT_EQ(store_.publications(), 3U);
  EXPECT_EQ(store_.sweep(at(60'500)), at(3'600'000)) << "positions stay";
  EXPECT_EQ(store_.streams(), 2U);
  EXPECT_EQ(store_.sweep(at(3'600'500)), Instant::never());
  EXPECT_EQ(store_.streams(), 0U);
  EXPECT_EQ(allocated_bytes(), before);
}

TEST_F(StreamStoreTest, ASweepDoesSoMuchAndSaysThatThereIsMore) {
  options_ = {.size = 10'000, .age = seconds(1), .meta_age = seconds(1)};
  for (int i = 0; i < 3'000; ++i) publish("a", "x", at(0));
  EXPECT_LE(store_.sweep(at(1'000)), at(1'000));
  EXPECT_EQ(store_.publications(), 3'000U - StreamStore::kSweepWork);
  int calls = 1;
  while (store_.sweep(at(1'000)) <= at(1'000)) ++calls;
  EXPECT_LE(calls, 3);
  EXPECT_EQ(store_.streams(), 0U);
}

}  // namespace
}  // namespace millrace

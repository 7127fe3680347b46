#include "net/api/keyed_publications.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Begun = KeyedPublications::Begun;

constexpr Instant kNow{1'000'000'000};
const StreamPosition kPosition{7, Epoch::of_bits(1)};

TEST(KeyedPublications, ARepeatedOneGetsTheResultOfTheFirst) {
  KeyedPublications keyed;
  const auto first = keyed.begin("news", "k", {ShardId{0}, 1}, kNow);
  ASSERT_EQ(first.begun, Begun::kFirst);
  EXPECT_EQ(keyed.begin("news", "k", {ShardId{1}, 2}, kNow).begun, Begun::kWaits);
  const auto callers = keyed.finish(first.id, true, kPosition);
  ASSERT_EQ(callers.size(), 2U);
  EXPECT_EQ(callers[0].call, 1U);
  EXPECT_EQ(callers[1].shard, ShardId{1});
  const auto again = keyed.begin("news", "k", {ShardId{0}, 3}, kNow);
  EXPECT_EQ(again.begun, Begun::kKnown);
  EXPECT_EQ(again.position, kPosition);
}

TEST(KeyedPublications, AKeyIsOfItsChannel) {
  KeyedPublications keyed;
  EXPECT_EQ(keyed.begin("a", "bc", {ShardId{0}, 1}, kNow).begun, Begun::kFirst);
  EXPECT_EQ(keyed.begin("ab", "c", {ShardId{0}, 2}, kNow).begun, Begun::kFirst);
  EXPECT_EQ(keyed.begin("a", "b", {ShardId{0}, 3}, kNow).begun, Begun::kFirst);
}

TEST(KeyedPublications, WhatHasFailedMayBeTriedAgain) {
  KeyedPublications keyed;
  const auto first = keyed.begin("a", "k", {ShardId{0}, 1}, kNow);
  EXPECT_EQ(keyed.finish(first.id, false, {}).size(), 1U);
  EXPECT_EQ(keyed.size(), 0U);
  EXPECT_EQ(keyed.begin("a", "k", {ShardId{0}, 2}, kNow).begun, Begun::kFirst);
}

TEST(KeyedPublications, AKeyIsForgottenAfterItsAge) {
  KeyedPublications keyed;
  const auto first = keyed.begin("a", "k", {ShardId{0}, 1}, kNow);
  static_cast<void>(keyed.finish(first.id, true, kPosition));
  const Instant end = kNow + KeyedPublications::kKeyAge;
  EXPECT_EQ(keyed.begin("a", "k", {ShardId{0}, 2}, end - nanoseconds(1)).begun, Begun::kKnown);
  EXPECT_EQ(keyed.begin("a", "k", {ShardId{0}, 3}, end).begun, Begun::kFirst);
  EXPECT_EQ(keyed.begin("b", "k", {ShardId{0}, 4}, end + KeyedPublications::kKeyAge).begun,
            Begun::kFirst);
  EXPECT_EQ(keyed.size(), 2U) << "one that is on its way stays";
}

TEST(KeyedPublications, TheOldestGoWhenThereAreTooMany) {
  KeyedPublications keyed;
  for (std::size_t i = 0; i < KeyedPublications::kMaxKeys; ++i) {
    const auto begun = keyed.begin("a", std::to_string(i), {ShardId{0}, i}, kNow);
    static_cast<void>(keyed.finish(begun.id, true, kPosition));
  }
  EXPECT_EQ(keyed.begin("a", "0", {}, kNow).begun, Begun::kKnown);
  EXPECT_EQ(keyed.begin("a", "more", {}, kNow).begun, Begun::kFirst);
  EXPECT_EQ(keyed.size(), KeyedPublications::kMaxKeys);
  EXPECT_EQ(keyed.begin("a", "1", {}, kNow).begun, Begun::kKnown);
  EXPECT_EQ(keyed.begin("a", "0", {}, kNow).begun, Begun::kFirst) << "it was the oldest";
}

}  // namespace
}  // namespace millrace

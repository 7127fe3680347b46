#include "core/hub/subscription_list.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace millrace {
namespace {

SubscriptionEntry entry(std::uint32_t n) { return {n, n * 10}; }

SubscriptionList list_of(std::uint32_t size) {
  SubscriptionList list;
  for (std::uint32_t i = 0; i < size; ++i) EXPECT_EQ(list.add(entry(i)), i);
  return list;
}

void expect_first(SubscriptionList& list, std::uint32_t size) {
  ASSERT_EQ(list.size(), size);
  for (std::uint32_t i = 0; i < size; ++i) {
    ASSERT_EQ(list[i].channel, i);
    ASSERT_EQ(list[i].position, i * 10);
  }
}

TEST(SubscriptionList, GrowsFromNothing) {
  SubscriptionList list;
  EXPECT_TRUE(list.empty());
  for (std::uint32_t i = 0; i < 300; ++i) {
    EXPECT_EQ(list.add(entry(i)), i);
    expect_first(list, i + 1);
  }
}

TEST(SubscriptionList, RemovingMovesTheLastIntoTheHole) {
  SubscriptionList list = list_of(4);
  list.remove(1);
  EXPECT_EQ(list.size(), 3U);
  EXPECT_EQ(list[1].channel, 3U);
  list.remove(2);  // the last itself
  EXPECT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].channel, 0U);
  EXPECT_EQ(list[1].channel, 3U);
  list.remove(0);
  list.remove(0);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.add(entry(9)), 0U);
  EXPECT_EQ(list[0].channel, 9U);
}

TEST(SubscriptionList, MovesWhateverItsSize) {
  for (const std::uint32_t from : {0U, 1U, 2U, 5U}) {
    for (const std::uint32_t to : {0U, 1U, 2U, 5U}) {
      SubscriptionList source = list_of(from);
      SubscriptionList target = list_of(to);
      target = std::move(source);
      expect_first(target, from);
      EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): it stays usable
      source.add(entry(0));
      source.add(entry(1));
      expect_first(source, 2);
      expect_first(target, from);
      const SubscriptionList constructed(std::move(target));
      EXPECT_EQ(constructed.size(), from);
    }
  }
}

TEST(SubscriptionList, MovingToItselfChangesNothing) {
  SubscriptionList list = list_of(3);
  SubscriptionList& same = list;
  list = std::move(same);
  expect_first(list, 3);
}

TEST(SubscriptionList, HoldsUpTo65535) {
  SubscriptionList list;
  for (std::uint32_t i = 0; i < 65'535; ++i) list.add(entry(i));
  EXPECT_EQ(list.size(), 65'535U);
  EXPECT_EQ(list[65'534].channel, 65'534U);
  EXPECT_DEATH(list.add(entry(1)), "CHECK failed");
}

TEST(SubscriptionListDeath, RefusesWhatIsNotThere) {
  SubscriptionList list = list_of(2);
  EXPECT_DEATH(static_cast<void>(list[2]), "CHECK failed");
  EXPECT_DEATH(list.remove(2), "CHECK failed");
}

TEST(SubscriptionList, DoesWhatAVectorDoes) {
  std::mt19937 random(3);
  SubscriptionList list;
  std::vector<std::uint32_t> model;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    if (model.empty() || random() % 100 < 51) {
      list.add(entry(step));
      model.push_back(step);
    } else {
      const auto at = static_cast<std::uint32_t>(random() % model.size());
      list.remove(at);
      model[at] = model.back();
      model.pop_back();
    }
    ASSERT_EQ(list.size(), model.size());
    if (model.empty()) continue;
    const auto at = static_cast<std::uint32_t>(random() % model.size());
    ASSERT_EQ(list[at].channel, model[at]);
  }
}

}  // namespace
}  // namespace millrace

#include "core/mem/chain_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace millrace {
namespace {

struct Item {
  Item(std::uint32_t its_hash, int its_name) : hash(its_hash), name(its_name) {}
  std::unique_ptr<Item> next_in_chain;
  const std::uint32_t hash;
  const int name;
};
using Table = ChainTable<Item>;

Item* find(const Table& table, std::uint32_t hash, int name) {
  return table.find(hash, [name](const Item& item) { return item.name == name; });
}

TEST(ChainTable, FindsNothingWhereNothingIs) {
  const Table table;
  EXPECT_EQ(find(table, 0, 0), nullptr);
  EXPECT_EQ(find(table, UINT32_MAX, 0), nullptr);
  EXPECT_EQ(table.size(), 0U);
}

TEST(ChainTable, TellsThoseOfOneHashApart) {
  Table table;
  std::vector<Item*> items;
  for (int i = 0; i < 5; ++i) items.push_back(&table.insert(std::make_unique<Item>(7U, i)));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(find(table, 7, i), items[static_cast<std::size_t>(i)]);
  EXPECT_EQ(find(table, 7, 5), nullptr);
  EXPECT_EQ(find(table, 6, 1), nullptr);
  const auto taken = table.take(*items[2]);
  EXPECT_EQ(taken.get(), items[2]);
  EXPECT_EQ(taken->next_in_chain, nullptr);
  EXPECT_EQ(find(table, 7, 2), nullptr);
  EXPECT_EQ(find(table, 7, 3), items[3]);
  EXPECT_EQ(table.size(), 4U);
}

TEST(ChainTable, HoldsAllAtEachSizeUpAndDown) {
  constexpr std::uint32_t kItems = 3 * Table::kChunk + 5;
  Table table;
  std::vector<Item*> items;
  const auto hash_of = [](std::uint32_t i) { return i * 2'654'435'761U; };
  const auto all_found = [&] {
    for (std::uint32_t i = 0; i < items.size(); ++i) {
      if (find(table, hash_of(i), static_cast<int>(i)) != items[i]) return false;
    }
    return table.size() == items.size();
  };
  for (std::uint32_t i = 0; i < kItems; ++i) {
    items.push_back(&table.insert(std::make_unique<Item>(hash_of(i), static_cast<int>(i))));
    ASSERT_TRUE(all_found()) << i;
    ASSERT_EQ(table.buckets(), items.size());
  }
  while (!items.empty()) {
    Item* const last = items.back();
    items.pop_back();
    table.take(*last);
    ASSERT_TRUE(all_found()) << items.size();
    ASSERT_LE(table.buckets(), std::max<std::size_t>(2 * items.size() + 2, kItems / 2 + 1));
  }
  EXPECT_EQ(table.buckets(), 0U);
}

// At no size is a take or an insert followed by more than two buckets' work.
TEST(ChainTable, MovesAFewBucketsAtATime) {
  std::mt19937 random(3);
  Table table;
  std::vector<Item*> items;
  for (int step = 0; step < 50'000; ++step) {
    const std::size_t before = table.buckets();
    const bool grow = step < 20'000 ? random() % 4 != 0 : random() % 4 == 0;
    if (grow || items.empty()) {
      items.push_back(&table.insert(std::make_unique<Item>(random(), step)));
      ASSERT_LE(table.buckets() - before, 1U);
    } else {
      std::swap(items[random() % items.size()], items.back());
      table.take(*items.back());
      items.pop_back();
      ASSERT_LE(before - table.buckets(), 3U);
    }
    ASSERT_GE(table.buckets(), items.size() / 2);
  }
}

TEST(ChainTable, EqualsAMap) {
  std::mt19937 random(11);
  Table table;
  std::map<int, Item*> model;
  // Few hashes, so that chains are long.
  const auto hash_of = [](int name) { return static_cast<std::uint32_t>(name % 97) * 40'503U; };
  for (int step = 0; step < 100'000; ++step) {
    const int name = static_cast<int>(random() % 500);
    const auto it = model.find(name);
    ASSERT_EQ(find(table, hash_of(name), name), it == model.end() ? nullptr : it->second);
    if (it == model.end()) {
      model[name] = &table.insert(std::make_unique<Item>(hash_of(name), name));
    } else {
      ASSERT_EQ(table.take(*it->second)->name, name);
      model.erase(it);
    }
    ASSERT_EQ(table.size(), model.size());
  }
}

TEST(ChainTableDeathTest, RefusesAnItemThatItDoesNotHold) {
  Table table;
  table.insert(std::make_unique<Item>(1U, 1));
  Item other(1, 1);
  EXPECT_DEATH(table.take(other), "CHECK failed");
}

}  // namespace
}  // namespace millrace

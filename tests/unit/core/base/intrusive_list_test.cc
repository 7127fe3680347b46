#include "core/base/intrusive_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <random>
#include <vector>

namespace millrace {
namespace {

struct Item {
  int name = 0;
  ListLink<Item> first;
  ListLink<Item> second;
};
using First = IntrusiveList<Item, &Item::first>;
using Second = IntrusiveList<Item, &Item::second>;

template <typename List>
std::vector<int> names(const List& list) {
  std::vector<int> all;
  for (const Item* item = list.front(); item != nullptr; item = list.next(*item)) {
    all.push_back(item->name);
  }
  return all;
}

TEST(IntrusiveList, KeepsItsOrderWhereverAnItemGoes) {
  std::array<Item, 4> items{Item{0, {}, {}}, Item{1, {}, {}}, Item{2, {}, {}}, Item{3, {}, {}}};
  First list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  for (Item& item : items) list.push_back(item);
  EXPECT_EQ(names(list), (std::vector<int>{0, 1, 2, 3}));
  list.remove(items[2]);
  EXPECT_EQ(names(list), (std::vector<int>{0, 1, 3}));
  list.remove(items[0]);
  EXPECT_EQ(names(list), (std::vector<int>{1, 3}));
  list.remove(items[3]);
  EXPECT_EQ(names(list), (std::vector<int>{1}));
  list.push_front(items[0]);
  list.push_back(items[2]);
  EXPECT_EQ(names(list), (std::vector<int>{0, 1, 2}));
  list.remove(items[1]);
  list.remove(items[0]);
  list.remove(items[2]);
  EXPECT_TRUE(list.empty());
  list.push_front(items[3]);
  list.push_back(items[1]);
  EXPECT_EQ(names(list), (std::vector<int>{3, 1}));
}

TEST(IntrusiveList, AnItemIsInOneListByEachLink) {
  Item item;
  Item other;
  First first;
  Second second;
  first.push_back(item);
  second.push_back(other);
  second.push_back(item);
  first.remove(item);
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second.front(), &other);
  EXPECT_EQ(Second::next(other), &item);
}

TEST(IntrusiveList, EqualsADeque) {
  std::mt19937 random(7);
  std::array<Item, 20> items;
  for (int i = 0; i < 20; ++i) items[static_cast<std::size_t>(i)].name = i;
  First list;
  std::deque<int> model;
  for (int step = 0; step < 20'000; ++step) {
    Item& item = items[random() % items.size()];
    const auto it = std::find(model.begin(), model.end(), item.name);
    if (it != model.end()) {
      list.remove(item);
      model.erase(it);
    } else if (random() % 2 == 0) {
      list.push_back(item);
      model.push_back(item.name);
    } else {
      list.push_front(item);
      model.push_front(item.name);
    }
    ASSERT_EQ(names(list), std::vector<int>(model.begin(), model.end()));
  }
}

TEST(IntrusiveListDeathTest, RefusesAnItemThatItDoesNotHold) {
  First list;
  First other;
  Item item;
  EXPECT_DEATH(list.remove(item), "CHECK failed");
  other.push_back(item);
  EXPECT_DEATH(list.remove(item), "CHECK failed");
}

}  // namespace
}  // namespace millrace

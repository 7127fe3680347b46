#include "core/hub/channel_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace millrace {
namespace {

TEST(ChannelTable, FindsWhatWasAdded) {
  ChannelTable table(10);
  EXPECT_EQ(table.find("a"), nullptr);
  Channel* a = table.add("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->name, "a");
  EXPECT_FALSE(a->live);
  EXPECT_EQ(table.find("a"), a);
  EXPECT_EQ(&table.at(a->slot.index), a);
  EXPECT_EQ(table.find("A"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
  table.remove(*a);
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_EQ(table.size(), 0U);
}

TEST(ChannelTable, HasALimit) {
  ChannelTable table(2);
  Channel* a = table.add("a");
  Channel* b = table.add("b");
  EXPECT_EQ(table.add("c"), nullptr);
  EXPECT_EQ(table.find("c"), nullptr);
  table.remove(*a);
  Channel* c = table.add("c");
  ASSERT_NE(c, nullptr);
  table.remove(*b);
  table.remove(*c);
}

TEST(ChannelTable, KeepsItsOwnCopyOfAName) {
  ChannelTable table(2);
  std::string name = "short";
  Channel* channel = table.add(name);
  name = "other";
  EXPECT_EQ(table.find("short"), channel);
  EXPECT_EQ(table.find("other"), nullptr);
  table.remove(*channel);
}

TEST(ChannelTableDeath, RefusesMisuse) {
  ChannelTable table(2);
  Channel* a = table.add("a");
  EXPECT_DEATH(static_cast<void>(table.add("a")), "CHECK failed");
  EXPECT_DEATH(static_cast<void>(table.at(1)), "CHECK failed");
  table.remove(*a);
}

// Rehashing and reuse of slots: addresses stay, and names are found as long as they are there.
TEST(ChannelTable, DoesWhatAMapDoes) {
  ChannelTable table(5'000);
  std::map<std::string, Channel*> model;
  std::mt19937 random(17);
  for (int step = 0; step < 30'000; ++step) {
    const std::string name = "game:" + std::to_string(random() % 6'000);
    const auto found = model.find(name);
    ASSERT_EQ(table.find(name), found == model.end() ? nullptr : found->second);
    if (found == model.end()) {
      Channel* added = table.add(name);
      ASSERT_EQ(added == nullptr, model.size() == 5'000);
      if (added != nullptr) model[name] = added;
    } else if (random() % 3 == 0) {
      table.remove(*found->second);
      model.erase(found);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  for (const auto& [name, channel] : model) table.remove(*channel);
}

}  // namespace
}  // namespace millrace

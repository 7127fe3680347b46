#include "net/session/application_notes.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(ApplicationNotes, LiveAsLongAsTheySaySomething) {
  ApplicationNotes notes;
  EXPECT_EQ(notes.find(7), nullptr);
  notes.at(7).meta = "{}";
  notes.tidy(7);
  ASSERT_NE(notes.find(7), nullptr);
  EXPECT_EQ(notes.at(7).meta, "{}");
  notes.at(7).meta.clear();
  notes.tidy(7);
  EXPECT_EQ(notes.find(7), nullptr);
  notes.tidy(7);
  EXPECT_EQ(notes.size(), 0U);
}

TEST(ApplicationNotes, EachThingKeepsThem) {
  ApplicationNotes notes;
  notes.at(1).asked.push_back({});
  notes.at(2).decided.push_back({});
  notes.at(3).place = std::make_unique<ClientPlace>();
  notes.at(4).refresh = Instant{1};
  notes.at(5).code = 3000;
  for (SubscriberId who = 1; who <= 5; ++who) notes.tidy(who);
  EXPECT_EQ(notes.size(), 5U);
  notes.erase(3);
  EXPECT_EQ(notes.size(), 4U);
}

}  // namespace
}  // namespace millrace

#include "net/jet/jet_names.h"

#include <gtest/gtest.h>

#include <set>

namespace millrace {
namespace {

TEST(JetNames, StreamsOfDifferentNamespacesNeverShareAName) {
  EXPECT_EQ(jet_stream_name("", "game"), "MILLRACE_game");
  EXPECT_EQ(jet_stream_name("staging", "game"), "MILLRACE_staging_game");
  EXPECT_EQ(jet_stream_name("a.b", "x_y"), "MILLRACE_a=2Eb_x=5Fy");
  const std::set<std::string> names{jet_stream_name("a", "b_c"), jet_stream_name("a_b", "c"),
                                    jet_stream_name("", "a_b_c"), jet_stream_name("a.b", "c")};
  EXPECT_EQ(names.size(), 4U);
}

TEST(JetNames, NoNameHoldsWhatAServerOrAFileSystemRefuses) {
  const std::string name = jet_stream_name("p", "a/b\\c d\xc3\xa9*>");
  EXPECT_EQ(name.find_first_of("./\\ *>\t"), std::string::npos) << name;
}

TEST(JetNames, TheOneTokenOfDefaultIsRepublishedByItsPlace) {
  EXPECT_EQ(jet_republish_source("", "default"), "*");
  EXPECT_EQ(jet_republish_destination("", "default"), "millrace.out.$1");
  EXPECT_EQ(jet_republish_source("p.q", "default"), "p.q.*");
  EXPECT_EQ(jet_republish_destination("p.q", "default"), "p.q.millrace.out.$1");
  EXPECT_EQ(jet_republish_source("p", "game"), "p.game.>");
  EXPECT_EQ(jet_republish_destination("p", "game"), "p.millrace.out.game.>");
}

TEST(JetNames, AnOutSubjectIsOneChannelsAndBack) {
  for (const std::string prefix : {"", "p", "p.q"}) {
    for (const std::string channel : {"solo", "game:a", "game:a.b:c", "x\xc3\xa9:\xe2\x82\xac"}) {
      const std::string subject = jet_out_subject(prefix, channel);
      EXPECT_EQ(jet_out_channel(prefix, subject), channel) << subject;
    }
  }
  EXPECT_EQ(jet_out_subject("p", "game:a"), "p.millrace.out.game.a");
  EXPECT_EQ(jet_out_wildcard("p", "game"), "p.millrace.out.game.>");
  EXPECT_EQ(jet_out_wildcard("", "default"), "millrace.out.*");
}

TEST(JetNames, OtherSpellingsAreNoChannel) {
  EXPECT_FALSE(jet_out_channel("", "game.a"));
  EXPECT_FALSE(jet_out_channel("", "millrace.out."));
  EXPECT_FALSE(jet_out_channel("", "millrace.out.game.=61"));
  EXPECT_FALSE(jet_out_channel("p", "millrace.out.game.a"));
}

TEST(JetNames, MarksAreBesideTheChannelsAndApart) {
  EXPECT_EQ(jet_mark_subject("p", "game:a.b"), "p.millrace.mark.game.c.game.a.b");
  EXPECT_EQ(jet_mark_subject("", "solo"), "millrace.mark.default.c.solo");
  EXPECT_EQ(jet_mark_all_subject("", "game"), "millrace.mark.game.all");
  EXPECT_EQ(jet_mark_wildcard("", "game"), "millrace.mark.game.>");
  EXPECT_EQ(jet_mark_wildcard("", "default"), "millrace.mark.default.>");
}

}  // namespace
}  // namespace millrace

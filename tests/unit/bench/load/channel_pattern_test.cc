#include "bench/load/channel_pattern.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

std::string name(const char* text, std::uint64_t client) {
  const auto pattern = ChannelPattern::parse(text);
  EXPECT_TRUE(pattern.ok()) << text;
  return pattern->name(client);
}

TEST(ChannelPattern, ExpandsByClient) {
  EXPECT_EQ(name("news", 999'999), "news");
  EXPECT_EQ(name("room:{i/10}", 0), "room:0");
  EXPECT_EQ(name("room:{i/10}", 9), "room:0");
  EXPECT_EQ(name("room:{i/10}", 10), "room:1");
  EXPECT_EQ(name("room:{i/10}", 999'999), "room:99999");
  EXPECT_EQ(name("seat:{i}", 42), "seat:42");
  EXPECT_EQ(name("lane:{i%4}", 7), "lane:3");
  EXPECT_EQ(name("{i/10%7}.x", 85), "1.x");
  EXPECT_EQ(name("a{i}b{i%2}c", 3), "a3b1c");
}

TEST(ChannelPattern, MatchesWhatItExpandsToAndNothingElse) {
  const auto pattern = ChannelPattern::parse("room:{i/10}");
  for (const std::uint64_t client : {0, 9, 10, 99, 123'456}) {
    EXPECT_TRUE(pattern->matches(client, pattern->name(client)));
    EXPECT_FALSE(pattern->matches(client, pattern->name(client) + "0"));
    EXPECT_FALSE(pattern->matches(client, pattern->name(client + 10)));
  }
  EXPECT_FALSE(pattern->matches(10, "room:"));
  EXPECT_FALSE(pattern->matches(10, ""));
  EXPECT_FALSE(pattern->matches(10, "room:10"));
}

TEST(ChannelPattern, KnowsWhetherAllShareIt) {
  EXPECT_TRUE(ChannelPattern::parse("news")->is_plain());
  EXPECT_FALSE(ChannelPattern::parse("{i}")->is_plain());
  EXPECT_FALSE(ChannelPattern::parse("room:{i/10}")->is_plain());
}

TEST(ChannelPattern, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"", "room:{i", "{}", "{room}", "{i/0}", "{i/}", "{i+1}", "{j}", "{i/-1}",
                           "quote\"d", "back\\slash", "line\nbreak"}) {
    EXPECT_FALSE(ChannelPattern::parse(text).ok()) << text;
  }
}

TEST(ChannelPattern, ANameHasALimit) {
  const std::size_t most = ChannelPattern::kMaxName;
  EXPECT_TRUE(ChannelPattern::parse(std::string(most - 1, 'a')).ok());
  EXPECT_TRUE(ChannelPattern::parse(std::string(most, 'a')).ok());
  EXPECT_FALSE(ChannelPattern::parse(std::string(most + 1, 'a')).ok());
  // Twenty digits are the longest number.
  EXPECT_TRUE(ChannelPattern::parse(std::string(most - 20, 'a') + "{i}").ok());
  EXPECT_FALSE(ChannelPattern::parse(std::string(most - 19, 'a') + "{i}").ok());
}

}  // namespace
}  // namespace millrace::load

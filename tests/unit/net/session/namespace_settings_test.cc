#include "net/session/namespace_settings.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/session/session_settings.h"

namespace millrace {
namespace {

TEST(NamespaceTable, AChannelLivesUnderItsNamespace) {
  SessionSettings settings;
  settings.namespaces.by_name["game"].prefix_interest = true;
  settings.namespaces.by_name["default"] = {};
  for (const bool insecure : {false, true}) {
    settings.insecure = insecure;
    EXPECT_EQ(settings.find_namespace("game:1"), &settings.namespaces.by_name.at("game"));
    EXPECT_EQ(settings.find_namespace("game:1:2"), &settings.namespaces.by_name.at("game"));
    EXPECT_EQ(settings.find_namespace("plain"), &settings.namespaces.by_name.at("default"));
    EXPECT_EQ(settings.find_namespace("game"), &settings.namespaces.by_name.at("default"))
        << "no boundary, no namespace";
  }
}

TEST(NamespaceTable, AnUnknownNamespaceIsTheDefaultOnesOnlyUnderInsecure) {
  SessionSettings settings;
  settings.namespaces.by_name["default"].prefix_interest = true;
  EXPECT_EQ(settings.find_namespace("other:1"), nullptr);
  EXPECT_EQ(settings.find_namespace("Default:1"), nullptr);
  settings.insecure = true;
  EXPECT_EQ(settings.find_namespace("other:1"), &settings.namespaces.by_name.at("default"));
}

TEST(NamespaceTable, WithoutADefaultPlainChannelsNeedInsecure) {
  SessionSettings settings;
  EXPECT_EQ(settings.find_namespace("plain"), nullptr);
  settings.insecure = true;
  ASSERT_NE(settings.find_namespace("plain"), nullptr);
  EXPECT_FALSE(settings.find_namespace("plain")->prefix_interest);
}

TEST(NamePattern, MatchesTheWholeText) {
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("abc", "abc"));
  EXPECT_FALSE(matches("abc", "ab"));
  EXPECT_FALSE(matches("ab", "abc"));
  EXPECT_FALSE(matches("abc", "Abc"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("***", "any"));
  EXPECT_TRUE(matches("room-*", "room-"));
  EXPECT_TRUE(matches("room-*", "room-7"));
  EXPECT_FALSE(matches("room-*", "xroom-7"));
  EXPECT_TRUE(matches("*-7", "room-7-7"));
  EXPECT_TRUE(matches("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(matches("a*b*c", "aXbYbZ"));
  EXPECT_TRUE(matches("a?c", "abc"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_TRUE(matches("*?", "x"));
  EXPECT_FALSE(matches("*?", ""));
  EXPECT_TRUE(matches("[a]\\", "[a]\\")) << "nothing else is special";
}

TEST(NamePattern, CountsCharactersNotBytes) {
  EXPECT_TRUE(matches("?", "\xc3\xa9"));
  EXPECT_TRUE(matches("a?b",
                      "a\xf0\x9f\x90\xb4"
                      "b"));
  EXPECT_FALSE(matches("??", "\xc3\xa9"));
  EXPECT_FALSE(
      matches("*?"
              "\xa9",
              "\xc3\xa9"))
      << "a star does not stop inside a character";
}

// Every pair of short texts over a small alphabet against the definition itself.
bool by_definition(Bytes pattern, Bytes text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return by_definition(pattern.substr(1), text) ||
           (!text.empty() && by_definition(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         by_definition(pattern.substr(1), text.substr(1));
}

TEST(NamePattern, IsTheDefinition) {
  const auto texts = [](const std::string& alphabet, std::size_t most) {
    std::vector<std::string> all{""};
    for (std::size_t from = 0, length = 0; length < most; ++length) {
      for (const std::size_t to = all.size(); from < to; ++from) {
        for (const char c : alphabet) all.push_back(all[from] + c);
      }
    }
    return all;
  };
  for (const std::string& pattern : texts("ab*?", 5)) {
    for (const std::string& text : texts("ab", 6)) {
      ASSERT_EQ(matches(pattern, text), by_definition(pattern, text)) << pattern << " " << text;
    }
  }
}

// What blows up a matcher that tries all: here at most 255 * 255 steps each.
TEST(NamePattern, IsQuickWithHostileOnes) {
  std::string stars;
  for (int i = 0; i < 127; ++i) stars += "*a";
  const std::string name(255, 'a');
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_FALSE(matches(stars + "b", name));
    EXPECT_FALSE(matches("*" + std::string(127, 'a') + "b", name));
    EXPECT_TRUE(matches(stars, name));
    EXPECT_FALSE(matches(std::string(254, '*') + "b", name));
    EXPECT_FALSE(matches(std::string(255, '?') + "?", name));
  }
}

TEST(NamespaceSettings, HasRulesForNames) {
  NamespaceSettings settings;
  settings.name_pattern = "room-?";
  EXPECT_TRUE(settings.allows_name("game:room-7"));
  EXPECT_FALSE(settings.allows_name("game:room-77"));
  EXPECT_FALSE(settings.allows_name("game:7"));
  EXPECT_TRUE(settings.allows_name("room-7")) << "a name without a boundary is matched whole";
  EXPECT_FALSE(settings.allows_name("game:x:room-7")) << "the first boundary counts";
  EXPECT_TRUE(settings.allows_name("game:room-\xc3\xa9"));
  settings.name_ascii = true;
  EXPECT_FALSE(settings.allows_name("game:room-\xc3\xa9"));
  settings.name_bytes = 11;
  EXPECT_TRUE(settings.allows_name("game:room-7"));
  settings.name_bytes = 10;
  EXPECT_FALSE(settings.allows_name("game:room-7"));
}

}  // namespace
}  // namespace millrace

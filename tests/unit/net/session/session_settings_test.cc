#include "net/session/session_settings.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(SessionSettings, AChannelLivesUnderItsNamespace) {
  SessionSettings settings;
  settings.namespaces["game"].prefix_interest = true;
  settings.namespaces["default"] = {};
  for (const bool insecure : {false, true}) {
    settings.insecure = insecure;
    EXPECT_EQ(settings.find_namespace("game:1"), &settings.namespaces.at("game"));
    EXPECT_EQ(settings.find_namespace("game:1:2"), &settings.namespaces.at("game"));
    EXPECT_EQ(settings.find_namespace("plain"), &settings.namespaces.at("default"));
    EXPECT_EQ(settings.find_namespace("game"), &settings.namespaces.at("default"))
        << "no boundary, no namespace";
  }
}

TEST(SessionSettings, AnUnknownNamespaceIsTheDefaultOnesOnlyUnderInsecure) {
  SessionSettings settings;
  settings.namespaces["default"].prefix_interest = true;
  EXPECT_EQ(settings.find_namespace("other:1"), nullptr);
  EXPECT_EQ(settings.find_namespace("Default:1"), nullptr);
  settings.insecure = true;
  EXPECT_EQ(settings.find_namespace("other:1"), &settings.namespaces.at("default"));
}

TEST(SessionSettings, WithoutADefaultPlainChannelsNeedInsecure) {
  SessionSettings settings;
  EXPECT_EQ(settings.find_namespace("plain"), nullptr);
  settings.insecure = true;
  ASSERT_NE(settings.find_namespace("plain"), nullptr);
  EXPECT_FALSE(settings.find_namespace("plain")->prefix_interest);
}

}  // namespace
}  // namespace millrace

#include "net/server/namespace_plan.h"

#include <gtest/gtest.h>

#include "net/server/namespace_check.h"

namespace millrace {
namespace {

TEST(NamespacePlan, CarriesEverySetting) {
  Config config;
  config.namespaces["game"] = {.interest = InterestMode::kPrefix,
                               .payload = PayloadKind::kBinary,
                               .presence = true,
                               .join_leave = true,
                               .history_size = 7,
                               .history_ttl = seconds(8),
                               .history_meta_ttl = seconds(9),
                               .delivery = DeliveryMode::kAtMostOnce,
                               .recover = false,
                               .position = true,
                               .on_gap = GapMode::kNotify,
                               .delta = true,
                               .allow_subscribe = {.clients = true},
                               .allow_publish = {.subscribers = true},
                               .allow_presence = {.clients = true, .anonymous = true},
                               .allow_history = {.clients = true, .subscribers = true},
                               .name_max_length = 20,
                               .name_charset = NameCharset::kAscii,
                               .name_pattern = "room-*"};
  const NamespaceTable table = make_namespaces(config);
  ASSERT_EQ(table.by_name.size(), 1U);
  const NamespaceSettings& made = table.by_name.at("game");
  EXPECT_TRUE(made.prefix_interest);
  EXPECT_EQ(made.payload, PayloadKind::kBinary);
  EXPECT_EQ(made.presence, (PresenceOptions{.members = true, .announce = true}));
  EXPECT_EQ(made.stream, (StreamOptions{7, seconds(8), seconds(9)}));
  EXPECT_FALSE(made.recoverable);
  EXPECT_TRUE(made.positioned);
  EXPECT_TRUE(made.notify_gaps);
  EXPECT_TRUE(made.delta);
  EXPECT_EQ(made.subscribe, (Audience{.clients = true}));
  EXPECT_EQ(made.publish, (Audience{.subscribers = true}));
  EXPECT_EQ(made.read_presence, (Audience{.clients = true, .anonymous = true}));
  EXPECT_EQ(made.read_history, (Audience{.clients = true, .subscribers = true}));
  EXPECT_EQ(made.name_bytes, 20U);
  EXPECT_TRUE(made.name_ascii);
  EXPECT_EQ(made.name_pattern, "room-*");
}

TEST(NamespacePlan, GrantsNothingByDefault) {
  Config config;
  config.namespaces["game"];
  NamespaceSettings nothing;
  nothing.stream.meta_age = seconds(720 * 3'600);
  EXPECT_EQ(make_namespaces(config).by_name.at("game"), nothing);
}

TEST(NamespacePlan, PositionsWhatRecovers) {
  Config config;
  config.namespaces["a"].recover = true;
  config.namespaces["b"].delivery = DeliveryMode::kRecoverable;
  const NamespaceTable table = make_namespaces(config);
  for (const char* name : {"a", "b"}) {
    EXPECT_TRUE(table.by_name.at(name).recoverable);
    EXPECT_TRUE(table.by_name.at(name).positioned);
  }
}

TEST(NamespacePlan, TakesTheSmallerLengthOfNames) {
  Config config;
  config.limits.channel_name_size = 30;
  config.namespaces["short"].name_max_length = 20;
  config.namespaces["long"].name_max_length = 40;
  const NamespaceTable table = make_namespaces(config);
  EXPECT_EQ(table.by_name.at("short").name_bytes, 20U);
  EXPECT_EQ(table.by_name.at("long").name_bytes, 30U);
}

TEST(NamespacePlan, HasADefaultUnderInsecure) {
  Config config;
  EXPECT_TRUE(make_namespaces(config).by_name.empty()) << "without --insecure there is none";
  config.insecure = true;
  const NamespaceTable table = make_namespaces(config);
  const NamespaceSettings* made = table.find("any:1", true);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made, table.find("plain", true));
  EXPECT_TRUE(made->presence.members);
  EXPECT_TRUE(made->presence.announce);
  EXPECT_EQ(made->stream.size, 100U);
  EXPECT_EQ(made->stream.age, seconds(300));
  EXPECT_TRUE(made->recoverable);
  EXPECT_TRUE(made->positioned);
  EXPECT_TRUE(made->delta);
  EXPECT_EQ(made->publish, Audience{}) << "--insecure grants it, not the namespace";
}

TEST(NamespacePlan, PromisesNothingThatNatsCanNotDo) {
  Config config;
  config.insecure = true;
  config.broker.kind = BrokerKind::kNats;
  const NamespaceTable table = make_namespaces(config);
  const NamespaceSettings* made = table.find("any:1", true);
  ASSERT_NE(made, nullptr);
  EXPECT_FALSE(made->stream.kept());
  EXPECT_FALSE(made->presence.kept());
  EXPECT_FALSE(made->recoverable);
  EXPECT_FALSE(made->delta);
}

Config with_streams() {
  Config config;
  config.insecure = true;
  config.broker.kind = BrokerKind::kNats;
  config.broker.stream_replicas = 3;
  for (const char* name : {"default", "game"}) {
    config.namespaces[name].history_size = 10;
    config.namespaces[name].history_ttl = seconds(60);
    config.namespaces[name].delivery = DeliveryMode::kRecoverable;
  }
  config.namespaces["game"].interest = InterestMode::kPrefix;
  config.namespaces["plain"] = {};
  return config;
}

TEST(NamespacePlan, EachNamespaceWithHistoryHasAStreamAtNats) {
  Config config = with_streams();
  const auto streams = make_stream_namespaces(config);
  ASSERT_EQ(streams.size(), 2U);
  EXPECT_EQ(streams[0].name, "default");
  EXPECT_EQ(streams[1].name, "game");
  EXPECT_EQ(streams[1].kept.size, 10U);
  EXPECT_EQ(streams[1].replicas, 3U);
  EXPECT_TRUE(streams[1].prefix_interest);
  EXPECT_TRUE(make_namespaces(config).find("game:1", false)->recoverable);
  config.broker.kind = BrokerKind::kMemory;
  EXPECT_TRUE(make_stream_namespaces(config).empty());
}

// default's stream holds default's channels alone.
TEST(NamespacePlan, AChannelOfNoNamespaceHasNoStreamAtNats) {
  const NamespaceTable table = make_namespaces(with_streams());
  EXPECT_TRUE(table.find("solo", true)->stream.kept());
  EXPECT_FALSE(table.find("any:1", true)->stream.kept());
  EXPECT_FALSE(table.find("any:1", true)->recoverable);
}

TEST(NamespacePlan, WhatAReloadBringsKeepsNothingWithoutAStream) {
  NamespaceTable table = make_namespaces(with_streams());
  keep_to_streams({{.name = "game", .kept = {}}}, table);
  EXPECT_TRUE(table.find("game:1", false)->stream.kept());
  EXPECT_FALSE(table.find("solo", false)->stream.kept());
  EXPECT_FALSE(table.find("solo", false)->positioned);
}

TEST(NamespacePlan, LeavesTheFilesDefaultAlone) {
  Config config;
  config.insecure = true;
  config.namespaces["default"].presence = true;
  const NamespaceTable table = make_namespaces(config);
  const NamespaceSettings* made = table.find("any:1", true);
  ASSERT_NE(made, nullptr);
  EXPECT_TRUE(made->presence.members);
  EXPECT_FALSE(made->stream.kept());
}

}  // namespace
}  // namespace millrace

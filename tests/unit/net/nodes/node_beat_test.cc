#include "net/nodes/node_beat.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

NodeBeat some_beat() {
  Random random(1);
  return {.id = NodeId::random(random),
          .number = 12,
          .facts = {"mill \"1\"\n", "0.6.0", 4, 1'200, 900, 77, 4'000, seconds(3'600)}};
}

TEST(NodeBeat, IsReadAsItWasMade) {
  NodeBeat beat = some_beat();
  NodeBeatReader reader;
  EXPECT_EQ(reader.read(node_beat_json(beat)), beat);
  beat.goodbye = true;
  EXPECT_EQ(reader.read(node_beat_json(beat)), beat);
}

TEST(NodeBeat, TheLongestFits) {
  NodeBeat beat = some_beat();
  beat.goodbye = true;
  beat.facts.name = std::string(kMaxNodeText, '\x01');  // six bytes each
  beat.facts.version = std::string(kMaxNodeText, '"');
  beat.facts.clients = beat.facts.users = beat.facts.channels = beat.facts.subscriptions =
      beat.facts.shards = beat.number = ~std::uint64_t{0};
  EXPECT_LE(node_beat_json(beat).size(), kMaxNodeBeat);
  EXPECT_EQ(NodeBeatReader().read(node_beat_json(beat)), beat);
}

TEST(NodeBeat, WhatItDoesNotKnowIsIgnored) {
  std::string json = node_beat_json(some_beat());
  json.insert(1, R"("later":{"x":[1]},)");
  EXPECT_EQ(NodeBeatReader().read(json), some_beat());
}

TEST(NodeBeat, AnAbsurdUptimeOverflowsNothing) {
  const std::string id(some_beat().id.text());
  const auto beat =
      NodeBeatReader().read(R"({"id":")" + id + R"(","beat":1,"uptime":18446744073709551615})");
  ASSERT_TRUE(beat);
  EXPECT_EQ(beat->facts.uptime, seconds(3'153'600'000));
}

TEST(NodeBeat, WhatIsNoBeatIsNone) {
  const std::string id(some_beat().id.text());
  const std::string head = R"({"id":")" + id + R"(")";
  NodeBeatReader reader;
  ASSERT_TRUE(reader.read(head + R"(,"beat":1})"));
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("[]"), std::string("{}"), head, head + "}",
        head + R"(,"beat":0})", head + R"(,"beat":-1})", head + R"(,"beat":"1"})",
        head + R"(,"beat":1,"beat":2})", head + R"(,"beat":1}x)",
        head + R"(,"beat":1,"goodbye":1})", head + R"(,"beat":18446744073709551616})",
        std::string(R"({"id":"x","beat":1})"), std::string(R"({"id":7,"beat":1})"),
        head + R"(,"beat":1,"name":")" + std::string(kMaxNodeText + 1, 'n') + R"("})",
        head + R"(,"beat":1,"version":")" + std::string(kMaxNodeText + 1, 'n') + R"("})",
        head + R"(,"beat":1})" + std::string(kMaxNodeBeat, ' '), "\xff" + head}) {
    EXPECT_FALSE(reader.read(bad)) << bad;
  }
}

}  // namespace
}  // namespace millrace

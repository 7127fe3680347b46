#include "net/server/readiness.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace {
namespace {

ReadinessFacts good() {
  ReadinessFacts facts;
  facts.connections = 9;
  facts.max_connections = 10;
  facts.deciding_limit = "max_connections";
  facts.shards.resize(2);
  return facts;
}

std::string words(const ReadinessFacts& facts) {
  std::string all;
  for (const NotReady& each : find_causes(facts)) {
    EXPECT_FALSE(each.what.empty());
    EXPECT_FALSE(each.fix.empty());
    all += (all.empty() ? "" : " ") + each.cause;
  }
  return all;
}

TEST(Readiness, NothingIsWrong) {
  EXPECT_EQ(words(good()), "");
  EXPECT_EQ(readiness_text({}), "ready\n");
  EXPECT_EQ(readiness_json({}), "{\"ready\":true,\"causes\":[]}\n");
}

TEST(Readiness, EachCauseHasItsWord) {
  ReadinessFacts facts = good();
  facts.draining = true;
  EXPECT_EQ(words(facts), "draining");

  facts = good();
  facts.memory_is_out = true;
  EXPECT_EQ(words(facts), "memory");

  facts = good();
  facts.shards[1].answers = false;
  EXPECT_EQ(words(facts), "stuck");
  facts.shards[1].stuck = "busy for 500 ms: a test";
  EXPECT_EQ(find_causes(facts)[0].what, "shard 1 does not answer: it is busy for 500 ms: a test");
  facts.shards[1].has_run = false;
  EXPECT_EQ(words(facts), "starting");
}

TEST(Readiness, TheCapIsACauseUnlessItIsConfiguredNotToBe) {
  ReadinessFacts facts = good();
  facts.connections = 10;
  EXPECT_EQ(words(facts), "cap");
  EXPECT_EQ(find_causes(facts)[0].what,
            "10 of 10 connections are taken; the limit comes from max_connections");
  facts.ready_at_cap = true;
  EXPECT_EQ(words(facts), "");
}

TEST(Readiness, ABrokerThatWasNeverReachedIsAStartAndALostOneHasItsGrace) {
  ReadinessFacts facts = good();
  ShardReadiness& shard = facts.shards[0];
  shard.broker_ready = false;
  shard.broker_cause = "NATS nats://a:1 is away";
  shard.broker_was_ready = false;
  EXPECT_EQ(words(facts), "starting");
  shard.broker_was_ready = true;
  shard.broker_away = kBrokerGrace - nanoseconds(1);
  EXPECT_EQ(words(facts), "");
  shard.broker_away = kBrokerGrace;
  EXPECT_EQ(words(facts), "broker");
  EXPECT_EQ(find_causes(facts)[0].what, "shard 0: NATS nats://a:1 is away");
}

TEST(Readiness, AllThatIsWrongIsToldInOneOrder) {
  ReadinessFacts facts = good();
  facts.draining = facts.memory_is_out = true;
  facts.connections = 11;
  facts.shards[0].broker_ready = false;
  facts.shards[0].broker_away = seconds(60);
  facts.shards[1].answers = false;
  EXPECT_EQ(words(facts), "draining cap memory stuck broker");
}

TEST(Readiness, IsWrittenForPeopleAndForPrograms) {
  const std::vector<NotReady> causes = {{"cap", "full \"up\"", "more"}, {"memory", "none", "buy"}};
  EXPECT_EQ(readiness_text(causes),
            "not ready\ncap: full \"up\"\n  fix: more\nmemory: none\n  fix: buy\n");
  EXPECT_EQ(readiness_json(causes),
            "{\"ready\":false,\"causes\":["
            "{\"cause\":\"cap\",\"what\":\"full \\\"up\\\"\",\"fix\":\"more\"},"
            "{\"cause\":\"memory\",\"what\":\"none\",\"fix\":\"buy\"}]}\n");
}

}  // namespace
}  // namespace millrace

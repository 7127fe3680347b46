#include "net/jet/stream_plan.h"

#include <gtest/gtest.h>

#include "net/jet/jet_json.h"
#include "proto/json_text.h"

namespace millrace {
namespace {

JetNamespace game() {
  return {.name = "game",
          .kept = {100, seconds(300), seconds(3'600)},
          .bytes = 1'048'576,
          .replicas = 3};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(StreamPlan, AsksForWhatTheProofsNeed) {
  const std::string config = stream_config_json(plan_stream("p", game()));
  JsonValidator validator;
  ASSERT_TRUE(validator.valid(config)) << config;
  EXPECT_EQ(jet_text(jet_member(config, "name")), "MILLRACE_p_game");
  EXPECT_EQ(jet_texts(jet_member(config, "subjects")),
            (std::vector<std::string>{"p.game.>", "p.millrace.mark.game.>"}));
  EXPECT_EQ(jet_member(config, "max_msgs_per_subject"), "101");
  EXPECT_EQ(jet_member(config, "max_age"), "3600000000000");
  EXPECT_EQ(jet_member(config, "duplicate_window"), "120000000000");
  EXPECT_EQ(jet_member(config, "max_bytes"), "1048576");
  EXPECT_EQ(jet_member(config, "num_replicas"), "3");
  EXPECT_EQ(jet_member(config, "deny_delete"), "true");
  EXPECT_EQ(jet_member(config, "allow_rollup_hdrs"), "false");
  EXPECT_EQ(jet_member(config, "allow_direct"), "true");
  EXPECT_EQ(jet_text(jet_member(config, "storage")), "file");
}

TEST(StreamPlan, IdsAreNotRememberedLongerThanMessages) {
  JetNamespace brief = game();
  brief.kept.age = seconds(10);
  brief.kept.meta_age = seconds(90);
  EXPECT_EQ(plan_stream("", brief).duplicates_ns, seconds(90).ns);
}

TEST(StreamPlan, FindsItsOwnStreamUnchanged) {
  const StreamPlan plan = plan_stream("", game());
  const StreamVerdict verdict = judge_stream(plan, stream_config_json(plan));
  EXPECT_EQ(verdict.fit, StreamFit::kSame) << verdict.what;
  EXPECT_FALSE(verdict.keeps_more);
}

TEST(StreamPlan, NamesWhatDiffersAndWhetherItCanBeMended) {
  const StreamPlan plan = plan_stream("", game());
  const std::string config = stream_config_json(plan);
  const StreamVerdict size = judge_stream(
      plan, replaced(config, "\"max_msgs_per_subject\":101", "\"max_msgs_per_subject\":4"));
  EXPECT_EQ(size.fit, StreamFit::kDiffers);
  EXPECT_EQ(size.what, "max_msgs_per_subject is 4 and not 101");
  EXPECT_TRUE(size.keeps_more);
  const StreamVerdict less = judge_stream(
      plan, replaced(config, "\"max_msgs_per_subject\":101", "\"max_msgs_per_subject\":400"));
  EXPECT_EQ(less.fit, StreamFit::kDiffers);
  EXPECT_FALSE(less.keeps_more);
  const StreamVerdict memory = judge_stream(plan, replaced(config, "\"file\"", "\"memory\""));
  EXPECT_EQ(memory.fit, StreamFit::kForeign);
  EXPECT_EQ(memory.what, "storage is memory and not file");
  const StreamVerdict queue = judge_stream(plan, replaced(config, "\"limits\"", "\"workqueue\""));
  EXPECT_EQ(queue.fit, StreamFit::kForeign);
  const StreamVerdict bare = judge_stream(plan, "{}");
  EXPECT_EQ(bare.fit, StreamFit::kForeign);
  EXPECT_NE(bare.what.find("republish.src is none"), std::string::npos) << bare.what;
}

TEST(StreamPlan, AnEpochIsALifeAndTheSameOnEveryNode) {
  const Epoch epoch = stream_epoch("MILLRACE_game", "2026-11-24T03:02:52.1Z");
  EXPECT_EQ(epoch, stream_epoch("MILLRACE_game", "2026-11-24T03:02:52.1Z"));
  EXPECT_NE(epoch, stream_epoch("MILLRACE_game", "2026-11-24T03:02:52.2Z"));
  EXPECT_NE(epoch, stream_epoch("MILLRACE_other", "2026-11-24T03:02:52.1Z"));
  EXPECT_FALSE(epoch.none());
}

}  // namespace
}  // namespace millrace

#include <gtest/gtest.h>

#include "net/api/api_desk.h"
#include "tests/support/api_world.h"

namespace millrace {
namespace {

// Other nodes, played.
class PlayedPeers final : public ApiPeers {
 public:
  Asked ask(std::uint64_t call, ApiMethod method, Bytes params, Instant) override {
    asked.push_back(std::string(api_method_name(method)) + std::string(params));
    calls.push_back(call);
    return {nodes, failed};
  }

  std::uint32_t nodes = 1;
  bool failed = false;
  std::vector<std::string> asked;
  std::vector<std::uint64_t> calls;
};

class ApiDeskGatherTest : public ::testing::Test {
 protected:
  ApiDesk& desk() { return world_.shard().api(); }
  void answer(NodeAnswer answer) {
    set_this_shard(ShardId{0});
    desk().on_node(peers_.calls.back(), std::move(answer), world_.clock().now());
    world_.turn();
  }

  PlayedPeers peers_;
  ApiWorld world_;
};

TEST_F(ApiDeskGatherTest, ACallWaitsForTheOtherNodes) {
  desk().set_peers(peers_);
  const std::uint64_t call = world_.begin(ApiMethod::kDisconnect, R"({"user":"u"})");
  world_.turn();
  EXPECT_EQ(peers_.asked, std::vector<std::string>{R"(disconnect{"user":"u"})"});
  EXPECT_EQ(world_.answer(call), "");
  answer({});
  EXPECT_EQ(world_.answer(call), R"({"result":{}})");
  answer({});  // late: nothing happens
}

TEST_F(ApiDeskGatherTest, AnotherNodesCallIsForThisNodeOnly) {
  desk().set_peers(peers_);
  set_this_shard(ShardId{0});
  desk().take(ApiMethod::kDisconnect, R"({"user":"u"})", ApiScope::kNode, world_, 1,
              world_.clock().now());
  world_.turn();
  EXPECT_TRUE(peers_.asked.empty());
  EXPECT_EQ(world_.answer(1), R"({"result":{}})");
}

TEST_F(ApiDeskGatherTest, WhoCanNotBeAskedMakesItAnError) {
  desk().set_peers(peers_);
  peers_.nodes = 0;
  peers_.failed = true;
  const FileSlot file = world_.open_as("ann");
  EXPECT_EQ(world_.code(ApiMethod::kDisconnect, R"({"user":"ann"})"), 100U);
  EXPECT_EQ(world_.heard(file), "3503 force disconnect") << "but here it is done";
}

TEST_F(ApiDeskGatherTest, WhoDoesNotAnswerInTimeMakesItAnError) {
  desk().set_peers(peers_);
  const std::uint64_t call = world_.begin(ApiMethod::kInfo, "");
  world_.turn();
  world_.advance(ApiDesk::kPatience - milliseconds(100));
  EXPECT_EQ(world_.answer(call), "");
  world_.advance(milliseconds(200));
  EXPECT_TRUE(world_.answer(call).starts_with(R"({"error":{"code":100,)")) << world_.answer(call);
  answer({});  // nobody waits for it any more
}

TEST_F(ApiDeskGatherTest, ARevocationGoesToOtherNodesWithItsTimes) {
  desk().set_peers(peers_);
  const FileSlot file = world_.open_with(world_.token("ann", 100));
  const std::uint64_t call = world_.begin(ApiMethod::kRevoke, R"({"user":"ann"})");
  world_.turn();
  EXPECT_EQ(world_.heard(file), "3500 invalid token");
  ASSERT_EQ(peers_.asked.size(), 1U);
  EXPECT_TRUE(peers_.asked[0].starts_with(R"(revoke{"user":"ann","expire_at":)"));
  EXPECT_TRUE(peers_.asked[0].ends_with(R"(,"issued_before":)" +
                                        std::to_string(world_.calendar() + 1) + "}"))
      << peers_.asked[0];
  answer({});
  EXPECT_EQ(world_.answer(call), R"({"result":{}})");
  EXPECT_EQ(world_.code(ApiMethod::kRevoke, R"({"user":""})"), 107U);
}

TEST_F(ApiDeskGatherTest, OfSurveysThereAreFew) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i <= ApiDesk::kMaxSurveys; ++i) {
    last = world_.begin(ApiMethod::kChannels, "");
  }
  EXPECT_TRUE(world_.answer(last).starts_with(R"({"error":{"code":111,)"));
  world_.turn();
  EXPECT_EQ(world_.answer(last - 1), R"({"result":{"channels":{}}})");
  EXPECT_EQ(world_.code(ApiMethod::kChannels, ""), 0U);
}

TEST_F(ApiDeskGatherTest, ABatchIsManyCalls) {
  const FileSlot file = world_.open_as("ann", 1);
  world_.ask(file, SessionWorld::subscribe(2, "kept:a"), 1);
  const std::string answer = world_.call(
      ApiMethod::kBatch,
      R"({"commands":[{"publish":{"channel":"kept:a","data":1}},{"presence":{"channel":"x:y"}},)"
      R"({"disconnect":{"user":"ann"}}]})");
  EXPECT_TRUE(answer.starts_with(R"({"replies":[{"publish":{"offset":1,)")) << answer;
  EXPECT_TRUE(
      answer.ends_with(R"({"error":{"code":102,"message":"unknown channel"}},{"disconnect":{}}]})"))
      << answer;
  EXPECT_TRUE(world_.heard(file, 1).ends_with("3503 force disconnect"));
}

TEST_F(ApiDeskGatherTest, ABroadcastIsManyPublications) {
  const std::string answer =
      world_.call(ApiMethod::kBroadcast, R"({"channels":["a","b..c","x:y"],"data":1})");
  EXPECT_TRUE(answer.starts_with(
      R"({"result":{"responses":[{"result":{}},{"error":{"code":107,"message":"bad request: )"))
      << answer;
  EXPECT_TRUE(answer.ends_with(R"({"error":{"code":102,"message":"unknown channel"}}]}})"))
      << answer;
}

TEST_F(ApiDeskGatherTest, LinesAreCalls) {
  set_this_shard(ShardId{0});
  desk().take_lines("{\"method\":\"info\"}\n\n{\"method\":\"no\"}\n", world_, 1,
                    world_.clock().now());
  world_.turn();
  EXPECT_TRUE(world_.answer(1).starts_with(R"({"result":{"nodes":[)"));
  EXPECT_TRUE(
      world_.answer(1).ends_with("}\n{\"error\":{\"code\":104,\"message\":\"method not found\"}}"));
  desk().take_lines(" \n", world_, 2, world_.clock().now());
  EXPECT_TRUE(world_.answer(2).starts_with("malformed"));
  desk().take_lines("{\"method\":\"info\"}\n[", world_, 3, world_.clock().now());
  EXPECT_TRUE(world_.answer(3).starts_with("malformed")) << "and nothing of it is carried out";
}

}  // namespace
}  // namespace millrace

#include "net/api/api_door.h"

#include <gtest/gtest.h>

#include "tests/support/api_world.h"
#include "tests/support/played_link.h"

namespace millrace {
namespace {

class ApiDoorTest : public ::testing::Test {
 protected:
  ApiDoorTest() {
    options_.subject_prefix = "pre";
    options_.max_payload = 2'000;
    auto link = std::make_unique<PlayedLink>(waker_);
    link_ = link.get();
    port_ = std::make_unique<NatsPort>(options_, std::move(link), timers_, random_, metrics_);
    set_this_shard(ShardId{0});
    door_ = std::make_unique<ApiDoor>(*port_, world_.shard().api(), id_, true);
    link_->come_up();
    turn();
    link_->answer_all();
    turn();
  }
  void turn() {
    set_this_shard(ShardId{0});
    port_->drain(world_.clock().now());
  }
  // What is answered to a request of an application, or of a node.
  std::string ask(const std::string& method, const std::string& body,
                  const std::string& reply = "_INBOX.x", bool node = false) {
    const NatsRequest& sub = link_->seen[node ? 1 : 0];
    std::string subject = sub.post.subject;
    subject.replace(subject.size() - 1, 1, method);
    link_->bring(sub.subscription, {.subject = subject, .data = body, .reply = reply});
    turn();
    world_.turn();
    turn();
    if (link_->requests.empty()) return "";
    const std::string answered =
        link_->requests.front().post.subject + " " + link_->requests.front().post.data;
    link_->answer_all();
    turn();
    return answered;
  }

  NatsOptions options_;
  ApiWorld world_{1};
  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  TimerWheel timers_{world_.clock().now()};
  Random random_{7};
  ShardMetrics metrics_;
  NodeId id_ = NodeId::random(random_);
  PlayedLink* link_ = nullptr;
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<ApiDoor> door_;
};

TEST_F(ApiDoorTest, IsOpenToApplicationsAndNodes) {
  ASSERT_EQ(link_->seen.size(), 2U);
  EXPECT_EQ(link_->seen[0].post.subject, "pre.millrace.api.*");
  EXPECT_EQ(link_->seen[1].post.subject, "pre.millrace.node." + std::string(id_.text()) + ".api.*");
  for (const NatsRequest& each : link_->seen) EXPECT_EQ(each.queue, "millrace");
}

TEST_F(ApiDoorTest, AnswersARequest) {
  EXPECT_EQ(ask("publish", R"({"channel":"a","data":1})"), R"(_INBOX.x {"result":{}})");
  EXPECT_EQ(ask("disconnect", R"({"user":"u"})", "_INBOX.y", true), R"(_INBOX.y {"result":{}})");
  EXPECT_EQ(ask("nosuch", "{}"), R"(_INBOX.x {"error":{"code":104,"message":"method not found"}})");
  EXPECT_EQ(ask("publish", "{"),
            R"(_INBOX.x {"error":{"code":107,"message":"bad request: the body is not JSON"}})");
}

TEST_F(ApiDoorTest, AnswersOnlyToInboxes) {
  const FileSlot file = world_.open_as("ann");
  world_.ask(file, SessionWorld::subscribe(2, "a"));
  for (const char* reply : {"", "a", "$JS.API.INFO", "millrace.api.info"}) {
    EXPECT_EQ(ask("publish", R"({"channel":"a","data":1})", reply), "") << reply;
    EXPECT_TRUE(holds(world_.heard(file), R"("pub":)")) << "it is carried out";
  }
  for (const Bytes good : {"_INBOX.a", "_INBOX.aB3-_.7", "_R_.x.y", "_INBOX_app.x"}) {
    EXPECT_TRUE(is_reply_inbox(good)) << good;
  }
  for (const Bytes bad : {"", "INBOX.a", "_INBOX.", "_INBOX..a", "_INBOX.*", "_INBOX.>", "_INBOX a",
                          "_INBOX.a\r\nPUB b", "_INBOX.\xc3\xa4"}) {
    EXPECT_FALSE(is_reply_inbox(bad)) << bad;
  }
  EXPECT_TRUE(is_reply_inbox("_" + std::string(ApiDoor::kMaxInbox - 1, 'x')));
  EXPECT_FALSE(is_reply_inbox("_" + std::string(ApiDoor::kMaxInbox, 'x')));
}

TEST_F(ApiDoorTest, AnAnswerThatNoMessageHoldsIsAnError) {
  for (int i = 0; i < 5; ++i) {
    ask("publish", R"({"channel":"kept:a","data":")" + std::string(500, 'x') + "\"}");
  }
  const std::string answer = ask("history", R"({"channel":"kept:a","limit":5})");
  EXPECT_TRUE(answer.starts_with(R"(_INBOX.x {"error":{"code":106,)")) << answer;
  EXPECT_TRUE(holds(ask("history", R"({"channel":"kept:a","limit":1})"), R"("offset":5)"));
}

TEST_F(ApiDoorTest, ALeavingNodeAnswersNodesOnly) {
  door_->leave();
  door_->leave();
  ASSERT_EQ(link_->requests.size(), 1U);
  EXPECT_EQ(link_->requests[0].kind, NatsRequestKind::kUnsubscribe);
  link_->answer_all();
  turn();
  EXPECT_EQ(ask("info", "", "_INBOX.x", true).substr(0, 25), R"(_INBOX.x {"result":{"node)");
}

}  // namespace
}  // namespace millrace

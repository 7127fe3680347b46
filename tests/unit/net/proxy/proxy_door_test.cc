#include "net/proxy/proxy_door.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "net/proxy/retry_plan.h"
#include "tests/support/mem_ring.h"
#include "tests/support/played_link.h"

namespace millrace {
namespace {

using Lines = std::vector<std::string>;
constexpr ConnId kWho{7, 1};

class ProxyDoorTest : public ::testing::Test, private ApplicationListener {
 protected:
  ProxyDoorTest() {
    auto link = std::make_unique<PlayedLink>(waker_);
    link_ = link.get();
    port_ = std::make_unique<NatsPort>(options_, std::move(link), timers_, random_, metrics_);
    door_ = std::make_unique<ProxyDoor>(*port_, ProxyOrigin{"app", ""},
                                        static_cast<ApplicationListener&>(*this), timers_, random_,
                                        metrics_);
    for (auto& method : settings_.methods) method = {.on = true, .timeout = seconds(1)};
    settings_.breaker_failures = 3;
    use();
    link_->come_up();
    turn();
  }

  void use() { door_->use(settings_); }
  void turn(Duration later = milliseconds(1)) {
    now_ = now_ + later;
    timers_.advance(now_);
    port_->drain(now_);
  }
  std::uint64_t ask(ProxyMethod method = ProxyMethod::kRpc, Bytes data = "1") {
    ApplicationQuestion question;
    question.method = method;
    question.who = kWho;
    question.client = "c";
    question.rpc_method = "m";
    question.data = data;
    return door_->ask(question, now_);
  }
  // To the question that was asked last.
  void reply(const std::string& data, const std::string& status = "") {
    link_->answer_all();
    NatsPost post{.subject = link_->seen.back().post.reply, .data = data};
    if (!status.empty()) post.headers.emplace_back("Status", status);
    link_->bring(link_->seen.front().subscription, post);
    turn();
  }
  void nobody() { reply("", "503"); }
  // All requests that went out since the last call.
  std::vector<NatsPost> sent() {
    std::vector<NatsPost> posts;
    link_->answer_all();
    for (; sent_ < link_->seen.size(); ++sent_) {
      const NatsRequest& request = link_->seen[sent_];
      if (request.kind == NatsRequestKind::kPublish) posts.push_back(request.post);
    }
    return posts;
  }
  std::uint64_t count(ProxyMethod method, ProxyOutcome outcome) {
    return metrics_
        .proxy_requests_total[static_cast<std::size_t>(method)][static_cast<std::size_t>(outcome)];
  }
  ProxyMethodSettings& of(ProxyMethod method) {
    return settings_.methods[static_cast<std::size_t>(method)];
  }

  void on_application_answer(ConnId who, std::uint64_t ticket, ApplicationAnswer& answer,
                             Instant) override {
    EXPECT_EQ(who, kWho);
    static constexpr std::array<const char*, 4> kKinds{"allowed", "error", "disconnect", "nobody"};
    std::string line =
        std::to_string(ticket) + " " + kKinds.at(static_cast<std::size_t>(answer.kind));
    if (answer.code != 0) line += " " + std::to_string(answer.code);
    if (!answer.data.empty()) line += " " + answer.data;
    told_.push_back(line);
  }
  Lines take() { return std::exchange(told_, {}); }

  NatsOptions options_;
  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  Instant now_{1'000'000'000};
  TimerWheel timers_{now_};
  Random random_{1};
  ShardMetrics metrics_;
  ProxySettings settings_;
  Lines told_;
  std::size_t sent_ = 0;
  PlayedLink* link_ = nullptr;
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<ProxyDoor> door_;
};

TEST_F(ProxyDoorTest, AQuestionIsARequestWithHeadersAndHasOneAnswer) {
  EXPECT_EQ(ask(), 1U);
  const auto posts = sent();
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].subject, "app.millrace.proxy.rpc");
  EXPECT_FALSE(posts[0].reply.empty());
  EXPECT_EQ(posts[0].headers.at(0).second, "rpc");
  EXPECT_NE(posts[0].data.find(R"("data":1)"), std::string::npos);
  EXPECT_EQ(take(), Lines{}) << "never from inside ask()";
  reply(R"({"result":{"data":{"a":1}}})");
  EXPECT_EQ(take(), Lines{R"(1 allowed {"a":1})"});
  EXPECT_EQ(count(ProxyMethod::kRpc, ProxyOutcome::kAllowed), 1U);
  ask();
  reply(R"({"error":{"code":403}})");
  ask();
  reply(R"({"disconnect":{"code":4001,"reason":"x"}})");
  EXPECT_EQ(take(), (Lines{"2 error 403", "3 disconnect 4001"}));
  EXPECT_EQ(door_->out(), 0U);
}

TEST_F(ProxyDoorTest, ABadReplyIsNobodysAndCounted) {
  ask();
  reply("nonsense");
  EXPECT_EQ(take(), Lines{"1 nobody"});
  EXPECT_EQ(count(ProxyMethod::kRpc, ProxyOutcome::kBadReply), 1U);
  door_->count();
  EXPECT_EQ(metrics_.proxy_breaker_state[static_cast<std::size_t>(ProxyMethod::kRpc)], 0U)
      << "who answers is alive";
}

TEST_F(ProxyDoorTest, NoRespondersAreToldAtOnceAndAskedAgain) {
  ask();
  nobody();
  EXPECT_EQ(take(), Lines{}) << "another may just be starting";
  turn(RetryPlan::kLongest);
  EXPECT_EQ(sent().size(), 2U);
  nobody();
  EXPECT_EQ(take(), Lines{"1 nobody"});
  EXPECT_EQ(count(ProxyMethod::kRpc, ProxyOutcome::kNoResponders), 1U);
  EXPECT_EQ(metrics_.proxy_retries_total[static_cast<std::size_t>(ProxyMethod::kRpc)], 1U);
}

TEST_F(ProxyDoorTest, RpcIsNotAskedTwiceWhenItMayHaveBeenHeard) {
  ask();
  sent();
  turn(seconds(2));
  EXPECT_EQ(take(), Lines{"1 nobody"});
  EXPECT_EQ(count(ProxyMethod::kRpc, ProxyOutcome::kTimeout), 1U);
  turn(seconds(2));
  EXPECT_EQ(sent().size(), 0U);
}

TEST_F(ProxyDoorTest, ConnectIsAskedAgainAfterATimeout) {
  ask(ProxyMethod::kConnect);
  sent();
  turn(seconds(2));
  turn(RetryPlan::kLongest);
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_EQ(take(), Lines{});
  reply(R"({"result":{}})");
  EXPECT_EQ(take(), Lines{"1 allowed"});
}

TEST_F(ProxyDoorTest, TheBreakerOpensForItsMethodAlone) {
  of(ProxyMethod::kRpc).retries = 0;
  use();
  for (int i = 0; i < 3; ++i) {
    ASSERT_NE(ask(), 0U);
    nobody();
  }
  take();
  EXPECT_EQ(ask(), 0U) << "refused at once, and nobody is called";
  EXPECT_EQ(count(ProxyMethod::kRpc, ProxyOutcome::kBreakerOpen), 1U);
  door_->count();
  EXPECT_EQ(metrics_.proxy_breaker_state[static_cast<std::size_t>(ProxyMethod::kRpc)], 2U);
  EXPECT_NE(ask(ProxyMethod::kSubscribe), 0U);
  reply(R"({"result":{}})");
  take();
  turn(seconds(1));
  EXPECT_NE(ask(), 0U) << "a trial";
  EXPECT_EQ(ask(), 0U) << "one only";
  reply(R"({"result":{}})");
  EXPECT_EQ(take().size(), 1U);
  EXPECT_NE(ask(), 0U);
  reply(R"({"result":{}})");
  door_->count();
  EXPECT_EQ(metrics_.proxy_breaker_state[static_cast<std::size_t>(ProxyMethod::kRpc)], 0U);
}

TEST_F(ProxyDoorTest, ATrialThatIsForgottenMakesRoomForTheNext) {
  of(ProxyMethod::kRpc).retries = 0;
  use();
  for (int i = 0; i < 3; ++i) {
    ask();
    nobody();
  }
  turn(seconds(1));
  const std::uint64_t trial = ask();
  ASSERT_NE(trial, 0U);
  door_->forget(trial);
  EXPECT_NE(ask(), 0U);
}

TEST_F(ProxyDoorTest, WhoIsForgottenHearsNothing) {
  const std::uint64_t ticket = ask();
  link_->answer_all();
  const std::string inbox = link_->seen.back().post.reply;
  door_->forget(ticket);
  door_->forget(ticket);
  link_->bring(link_->seen.front().subscription, {.subject = inbox, .data = R"({"result":{}})"});
  turn();
  // And while it waits for its next try.
  const std::uint64_t waiting = ask();
  nobody();
  door_->forget(waiting);
  turn(seconds(5));
  EXPECT_EQ(take(), Lines{});
  EXPECT_EQ(door_->out(), 0U);
  EXPECT_EQ(count(ProxyMethod::kRpc, ProxyOutcome::kForgotten), 2U);
}

TEST_F(ProxyDoorTest, WithoutNatsItIsTriedAgainAndThenNobodys) {
  link_->is_up = false;
  turn();
  EXPECT_NE(ask(), 0U) << "it may be back in a moment";
  turn(RetryPlan::kLongest);
  EXPECT_EQ(take(), Lines{"1 nobody"});
  EXPECT_EQ(count(ProxyMethod::kRpc, ProxyOutcome::kLost), 1U);
  of(ProxyMethod::kRpc).retries = 0;
  use();
  EXPECT_EQ(ask(), 0U);
}

TEST_F(ProxyDoorTest, NoMoreThanTheLimitIsOut) {
  settings_.requests = 2;
  use();
  EXPECT_NE(ask(), 0U);
  EXPECT_NE(ask(), 0U);
  EXPECT_EQ(ask(), 0U);
  EXPECT_EQ(count(ProxyMethod::kRpc, ProxyOutcome::kFull), 1U);
  reply(R"({"result":{}})");
  EXPECT_NE(ask(), 0U);
}

TEST_F(ProxyDoorTest, WhatIsToldWantsNoAnswer) {
  ApplicationQuestion message;
  message.method = ProxyMethod::kDisconnect;
  message.client = "c";
  message.code = 3000;
  door_->tell(message, now_);
  const auto posts = sent();
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].subject, "app.millrace.proxy.disconnect");
  EXPECT_EQ(posts[0].reply, "");
  EXPECT_EQ(count(ProxyMethod::kDisconnect, ProxyOutcome::kTold), 1U);
  link_->is_up = false;
  turn();
  door_->tell(message, now_);
  EXPECT_EQ(count(ProxyMethod::kDisconnect, ProxyOutcome::kLost), 1U);
}

}  // namespace
}  // namespace millrace

#include "net/nats/nats_port.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/mem_ring.h"
#include "tests/support/nats_harness.h"
#include "tests/support/nats_server.h"
#include "tests/support/played_link.h"

namespace millrace {
namespace {

using Lines = std::vector<std::string>;

// Writes down what it is told.
class Part final : public NatsListener, public NatsPoster, public NatsAsker, public NatsFollower {
 public:
  void on_nats_message(NatsSubscriptionId, const NatsMessageView& message, Instant) override {
    told.push_back(std::string(message.subject()) + "=" + std::string(message.data()));
    replies.emplace_back(message.reply());
  }
  void on_nats_subscribed(NatsSubscriptionId id, Instant) override {
    told.push_back("live " + std::to_string(id.index));
  }
  void on_nats_posted(std::uint64_t token, bool accepted, Instant) override {
    told.push_back("posted " + std::to_string(token) + (accepted ? "" : " refused"));
  }
  void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                      Instant) override {
    static constexpr std::array<const char*, 4> kHow{"reply", "nobody", "late", "lost"};
    told.push_back(std::to_string(token) + " " + kHow.at(static_cast<std::size_t>(how)) +
                   (reply == nullptr ? "" : " " + std::string(reply->data())));
  }
  void on_nats_up(Instant) override { told.emplace_back("up"); }
  void on_nats_down(Instant) override { told.emplace_back("down"); }

  Lines take() { return std::exchange(told, {}); }

  Lines told;
  Lines replies;
};

class NatsPortTest : public ::testing::Test {
 protected:
  explicit NatsPortTest(std::size_t lane = 64) {
    options_.lane_requests = lane;
    options_.lane_bytes = 100;
    auto link = std::make_unique<PlayedLink>(waker_);
    link_ = link.get();
    port_ = std::make_unique<NatsPort>(options_, std::move(link), timers_, random_, metrics_);
    port_->follow(part_);
  }

  void turn(Duration later = milliseconds(1)) {
    now_ = now_ + later;
    timers_.advance(now_);
    port_->drain(now_);
  }
  void come_up() {
    link_->come_up();
    turn();
    part_.take();
  }
  NatsQuestionId ask(std::uint64_t token, Duration patience = seconds(1)) {
    return port_->ask({.subject = "q", .data = "?"}, patience, part_, token, now_);
  }
  // Of the question that was asked last, when the link has sent it.
  void reply_to_last(const std::string& data) {
    link_->answer_all();
    const NatsSubscriptionId inbox = link_->seen.front().subscription;
    link_->bring(inbox, {.subject = link_->seen.back().post.reply, .data = data});
  }

  NatsOptions options_;
  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  Instant now_{1'000'000'000};
  TimerWheel timers_{now_};
  Random random_{1};
  ShardMetrics metrics_;
  Part part_;
  PlayedLink* link_ = nullptr;
  std::unique_ptr<NatsPort> port_;
};

class NarrowNatsPort : public NatsPortTest {
 protected:
  NarrowNatsPort() : NatsPortTest(1) {}
};

TEST_F(NatsPortTest, MessagesReachWhoListens) {
  Part other;
  const NatsSubscriptionId a = port_->subscribe("a", part_);
  const NatsSubscriptionId b = port_->subscribe("b", other, "group");
  EXPECT_EQ(link_->requests.back().queue, "group");
  EXPECT_TRUE(port_->covered(a)) << "the link remembers it while it is away";
  link_->answer_all();
  come_up();
  link_->bring(a, {.subject = "a", .data = "1", .reply = "r"});
  link_->bring(b, {.subject = "b", .data = "2"});
  turn();
  EXPECT_EQ(part_.take(), Lines{"a=1"});
  EXPECT_EQ(part_.replies, Lines{"r"});
  EXPECT_EQ(other.take(), (Lines{"live 1", "b=2"}));

  port_->unsubscribe(a);
  link_->bring(a, {.subject = "a", .data = "late"});
  turn();
  EXPECT_EQ(part_.take(), Lines{});
}

TEST_F(NatsPortTest, FollowersHearOfEachLife) {
  link_->come_up();
  turn();
  link_->is_up = false;
  turn();
  link_->come_up();
  link_->come_up();
  turn();
  link_->come_up();  // a life that ended before anybody looked
  turn();
  EXPECT_EQ(part_.take(), (Lines{"up", "down", "up", "down", "up"}));
  EXPECT_EQ(metrics_.broker_outages_total, 2U);
}

TEST_F(NatsPortTest, PublicationsAreSettledOnce) {
  EXPECT_FALSE(port_->publish({.subject = "a", .data = "1"}, &part_, 1)) << "it is away";
  come_up();
  EXPECT_TRUE(port_->publish({.subject = "a", .data = "1"}, &part_, 2));
  EXPECT_TRUE(port_->publish({.subject = "a", .data = "1"}, &part_, 3));
  EXPECT_TRUE(port_->publish({.subject = "a", .data = "1"}));
  link_->answer_first();
  link_->answer_first(false);
  link_->answer_first(false);
  turn();
  EXPECT_EQ(part_.take(), (Lines{"posted 2", "posted 3 refused"}));
}

TEST_F(NatsPortTest, ItsLaneCountsDataAndHeaders) {
  come_up();
  EXPECT_TRUE(port_->publish({.subject = "a", .data = std::string(100, 'x')}));
  EXPECT_FALSE(port_->publish({.subject = "a", .data = "x"}));
  link_->answer_all();
  turn();
  EXPECT_FALSE(
      port_->publish({.subject = "a", .data = std::string(96, 'x'), .headers = {{"ab", "cde"}}}));
  EXPECT_TRUE(
      port_->publish({.subject = "a", .data = std::string(95, 'x'), .headers = {{"ab", "cde"}}}));
  EXPECT_EQ(metrics_.broker_dropped_full_total, 2U);
}

TEST_F(NatsPortTest, AQuestionHasOneAnswer) {
  EXPECT_EQ(ask(1), 0U) << "it is away";
  come_up();
  EXPECT_NE(ask(2), 0U);
  EXPECT_EQ(link_->requests.front().kind, NatsRequestKind::kSubscribe) << "where answers come";
  EXPECT_TRUE(link_->requests.back().post.reply.starts_with("_INBOX."));
  reply_to_last("yes");
  reply_to_last("again");
  turn();
  EXPECT_EQ(part_.take(), Lines{"2 reply yes"});
  turn(seconds(2));
  EXPECT_EQ(part_.take(), Lines{});
  EXPECT_EQ(timers_.size(), 0U);
}

TEST_F(NatsPortTest, PatienceEnds) {
  come_up();
  EXPECT_NE(ask(1, seconds(2)), 0U);
  EXPECT_NE(ask(2, seconds(1)), 0U);
  const NatsQuestionId forgotten = ask(3, seconds(1));
  port_->forget(forgotten);
  turn(milliseconds(900));
  EXPECT_EQ(part_.take(), Lines{});
  turn(milliseconds(110));
  EXPECT_EQ(part_.take(), Lines{"2 late"});
  turn(seconds(1));
  EXPECT_EQ(part_.take(), Lines{"1 late"});
}

TEST_F(NatsPortTest, QuestionsEndWithTheConnection) {
  come_up();
  EXPECT_NE(ask(1), 0U);
  EXPECT_NE(ask(2), 0U);
  link_->is_up = false;
  turn();
  EXPECT_EQ(part_.take(), (Lines{"1 lost", "2 lost", "down"}));
  turn(seconds(2));
  EXPECT_EQ(part_.take(), Lines{});
}

TEST_F(NatsPortTest, AQuestionThatCouldNotBeSentIsLost) {
  come_up();
  EXPECT_NE(ask(1), 0U);
  link_->answer_first();
  link_->answer_first(false);
  turn();
  EXPECT_EQ(part_.take(), Lines{"1 lost"});
}

TEST_F(NatsPortTest, AnswersThatNobodyAskedForAreIgnored) {
  come_up();
  EXPECT_NE(ask(1), 0U);
  link_->answer_all();
  const NatsSubscriptionId inbox = link_->seen.front().subscription;
  const std::string own = link_->seen.back().post.reply;
  for (const std::string& subject :
       {std::string("x"), own + "0", own + "g", own.substr(0, own.size() - 1), own + "-1",
        own.substr(0, own.size() - 1) + "ffffffffffffffffff"}) {
    link_->bring(inbox, {.subject = subject, .data = "forged"});
  }
  turn();
  EXPECT_EQ(part_.take(), Lines{});
}

TEST_F(NarrowNatsPort, NoQuestionGoesOutBeforeTheSubscriptionOfItsAnswer) {
  come_up();
  EXPECT_TRUE(port_->publish({.subject = "a", .data = "1"}));
  EXPECT_EQ(ask(1), 0U) << "the lane is full";
  link_->answer_all();
  turn();
  ASSERT_EQ(link_->requests.size(), 1U);
  EXPECT_EQ(link_->requests.front().kind, NatsRequestKind::kSubscribe);
  EXPECT_EQ(ask(2), 0U) << "there is one place";
  link_->answer_all();
  turn();
  EXPECT_NE(ask(3), 0U);
}

TEST_F(NarrowNatsPort, WhoLeavesBeforeItWasAskedIsForgotten) {
  const NatsSubscriptionId a = port_->subscribe("a", part_);
  const NatsSubscriptionId b = port_->subscribe("b", part_);
  EXPECT_TRUE(port_->covered(a));
  EXPECT_FALSE(port_->covered(b));
  port_->unsubscribe(b);
  link_->answer_all();
  turn();
  EXPECT_TRUE(link_->requests.empty());
  EXPECT_EQ(part_.take(), Lines{"live 0"});
}

using NatsPortDeathTest = NatsPortTest;

TEST_F(NatsPortDeathTest, NothingThatCouldInjectALineGoesOut) {
  come_up();
  EXPECT_DEATH(static_cast<void>(port_->publish({.subject = "a b", .data = ""})), "is_subject");
  EXPECT_DEATH(static_cast<void>(port_->publish({.subject = "a\r\nPUB b 0", .data = ""})),
               "is_subject");
  EXPECT_DEATH(static_cast<void>(
                   port_->publish({.subject = "a", .data = "", .headers = {{"A", "b\r\nC: d"}}})),
               "is_one_line");
  EXPECT_DEATH(static_cast<void>(port_->subscribe("", part_)), "is_subject");
}

// With a real server: a group's members share, an answer comes back, and nobody is known at once.
TEST(NatsPortAtAServer, AsksAndAnswers) {
  NatsServer server;
  NatsOptions options;
  options.urls = {server.url()};
  options.wait_connected_ms = 5'000;
  BrokerShard shard(options);
  ASSERT_TRUE(shard.until_up());

  class Echo final : public NatsListener {
   public:
    explicit Echo(NatsPort& port) : port_(port) {}
    void on_nats_message(NatsSubscriptionId, const NatsMessageView& message, Instant) override {
      ++heard;
      const std::string data(message.data());
      EXPECT_TRUE(port_.publish({.subject = std::string(message.reply()), .data = data}));
    }
    int heard = 0;

   private:
    NatsPort& port_;
  };
  Echo one(shard.port());
  Echo two(shard.port());
  shard.port().subscribe("q", one, "group");
  shard.port().subscribe("q", two, "group");
  Part part;
  MonotonicClock clock;
  constexpr std::size_t kQuestions = 200;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    ASSERT_NE(shard.port().ask({.subject = "q", .data = std::to_string(i)}, seconds(10), part, i,
                               clock.now()),
              0U);
  }
  ASSERT_TRUE(shard.until([&] { return part.told.size() >= kQuestions; }));
  for (std::size_t i = 0; i < kQuestions; ++i) {
    EXPECT_NE(std::find(part.told.begin(), part.told.end(),
                        std::to_string(i) + " reply " + std::to_string(i)),
              part.told.end());
  }
  EXPECT_EQ(one.heard + two.heard, static_cast<int>(kQuestions));
  part.take();
  ASSERT_NE(shard.port().ask({.subject = "nobody", .data = ""}, seconds(60), part, 7, clock.now()),
            0U);
  ASSERT_TRUE(shard.until([&] { return !part.told.empty(); }));
  EXPECT_EQ(part.told, Lines{"7 nobody"});
}

}  // namespace
}  // namespace millrace

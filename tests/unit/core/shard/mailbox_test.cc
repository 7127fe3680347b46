#include "core/shard/mailbox.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "core/time/clock.h"
#include "tests/support/allocated_bytes.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {
namespace {

constexpr ShardId kA{0};
constexpr ShardId kB{1};
constexpr ShardId kC{2};

struct Post final : MessageHandler {
  explicit Post(MailboxNetwork& network, ShardId id) : mailbox(network, id, waker) {
    mailbox.set_handler(*this);
  }
  void on_message(ShardId from, Message& message, Instant) override {
    const auto* ack = std::get_if<PublishAck>(&message);
    got.emplace_back(from.value, ack != nullptr ? ack->token : UINT64_MAX);
  }
  // Drains until nothing is left; returns how many turns that took.
  int drain_all() {
    int turns = 0;
    for (; mailbox.ready(); ++turns) mailbox.drain(Instant{});
    return turns;
  }

  EventRing ring;
  Waker waker{ring};
  Mailbox mailbox;
  std::vector<std::pair<std::uint16_t, std::uint64_t>> got;
};

Message ack(std::uint64_t token) { return PublishAck{token}; }

TEST(Mailbox, BringsWhatWasSentWithItsSender) {
  MailboxNetwork network(3);
  Post a(network, kA), b(network, kB), c(network, kC);
  Message first = ack(1);
  EXPECT_TRUE(a.mailbox.try_send(kC, first));
  b.mailbox.send(kC, ack(2));
  EXPECT_FALSE(a.mailbox.ready());
  EXPECT_TRUE(c.mailbox.ready());
  c.mailbox.drain(Instant{});
  EXPECT_FALSE(c.mailbox.ready());
  EXPECT_EQ(c.got, (std::vector<std::pair<std::uint16_t, std::uint64_t>>{{0, 1}, {1, 2}}));
  EXPECT_TRUE(a.got.empty() && b.got.empty());
}

TEST(Mailbox, MakesALaneWhenItIsFirstUsed) {
  MailboxNetwork network(3);
  Post a(network, kA), b(network, kB), c(network, kC);
  const std::int64_t before = allocated_bytes();
  a.mailbox.drain(Instant{});
  EXPECT_FALSE(b.mailbox.ready());
  EXPECT_EQ(allocated_bytes(), before);
  a.mailbox.send(kB, ack(1));
  const std::int64_t lane = allocated_bytes() - before;
  EXPECT_GT(lane, 0);
  EXPECT_LT(lane, 4'096) << "64 shards have 4,032 lanes";
  a.mailbox.send(kB, ack(2));
  EXPECT_EQ(allocated_bytes() - before, lane);
}

TEST(Mailbox, ALaneHasALimit) {
  MailboxNetwork network(2);
  Post a(network, kA), b(network, kB);
  for (std::uint64_t i = 0; i < MailboxNetwork::kLaneCapacity; ++i) {
    Message message = ack(i);
    ASSERT_TRUE(a.mailbox.try_send(kB, message)) << i;
  }
  Message refused = PublishRequest{"channel", "data", "info", {}, 7};
  EXPECT_FALSE(a.mailbox.try_send(kB, refused));
  EXPECT_EQ(std::get<PublishRequest>(refused).data, "data") << "untouched";
  Message back = ack(9);
  EXPECT_TRUE(b.mailbox.try_send(kA, back)) << "the other direction is another lane";
  b.mailbox.drain(Instant{});
  EXPECT_TRUE(a.mailbox.try_send(kB, refused));
}

TEST(Mailbox, SendWaitsInTheSpillAndKeepsOrder) {
  constexpr std::uint64_t kMessages = MailboxNetwork::kLaneCapacity * 2 + 17;
  MailboxNetwork network(2);
  Post a(network, kA), b(network, kB);
  for (std::uint64_t i = 0; i < kMessages; ++i) a.mailbox.send(kB, ack(i));
  EXPECT_EQ(a.mailbox.spilled(), MailboxNetwork::kLaneCapacity + 17);
  EXPECT_FALSE(a.mailbox.ready()) << "the lane is full: nothing to do yet";
  for (int turn = 0; turn < 20; ++turn) {
    b.mailbox.drain(Instant{});
    a.mailbox.drain(Instant{});
  }
  EXPECT_EQ(a.mailbox.spilled(), 0U);
  ASSERT_EQ(b.got.size(), kMessages);
  for (std::uint64_t i = 0; i < kMessages; ++i) ASSERT_EQ(b.got[i].second, i);
}

TEST(Mailbox, ASenderWithASpillIsWokenWhenThereIsRoom) {
  MailboxNetwork network(2);
  Post a(network, kA), b(network, kB);
  for (std::uint64_t i = 0; i < MailboxNetwork::kLaneCapacity + 1; ++i) a.mailbox.send(kB, ack(i));
  a.waker.about_to_sleep();
  EXPECT_EQ(a.ring.asked(), 0U);
  b.mailbox.drain(Instant{});
  EXPECT_EQ(a.ring.asked(), 1U);
  EXPECT_TRUE(a.mailbox.ready());
  a.mailbox.drain(Instant{});
  EXPECT_EQ(a.mailbox.spilled(), 0U);
  a.waker.about_to_sleep();
  static_cast<void>(b.drain_all());
  EXPECT_EQ(a.ring.asked(), 1U) << "nobody waits any more";
}

TEST(Mailbox, WakesASleeperOnceAndNobodyElse) {
  MailboxNetwork network(3);
  Post a(network, kA), b(network, kB), c(network, kC);
  b.waker.about_to_sleep();
  c.waker.about_to_sleep();
  a.mailbox.send(kB, ack(1));
  a.mailbox.send(kB, ack(2));
  EXPECT_EQ(b.ring.asked(), 1U);
  EXPECT_EQ(c.ring.asked(), 0U);
  network.wake_all();
  EXPECT_EQ(b.ring.asked(), 1U) << "awake already";
  EXPECT_EQ(c.ring.asked(), 1U);
}

TEST(Mailbox, TellsWhoWasWoken) {
  MailboxNetwork network(3);
  EXPECT_FALSE(network.awake_or_asked(kA)) << "there is no such shard yet";
  Post a(network, kA), b(network, kB), c(network, kC);
  b.waker.about_to_sleep();
  c.waker.about_to_sleep();
  a.mailbox.send(kB, ack(1));
  EXPECT_TRUE(network.awake_or_asked(kB));
  EXPECT_FALSE(network.awake_or_asked(kC));
}

TEST(Mailbox, ASenderThatFloodsDoesNotHoldUpTheTurn) {
  MailboxNetwork network(3);
  Post a(network, kA), b(network, kB), c(network, kC);
  for (std::uint64_t i = 0; i < 3'000; ++i) a.mailbox.send(kC, ack(i));
  b.mailbox.send(kC, ack(0));
  c.mailbox.drain(Instant{});
  EXPECT_LT(c.got.size(), 3'000U);
  EXPECT_EQ(c.got.back().first, kB.value);
  EXPECT_TRUE(c.mailbox.ready());
  EXPECT_LE(c.drain_all(), 3);
  EXPECT_EQ(c.got.size(), 3'001U);
}

TEST(Mailbox, AReceiverThatIsNotThereYetFindsItsMessages) {
  MailboxNetwork network(2);
  Post a(network, kA);
  a.mailbox.send(kB, ack(5));
  network.wake_all();
  Post b(network, kB);
  EXPECT_TRUE(b.mailbox.ready());
  b.mailbox.drain(Instant{});
  EXPECT_EQ(b.got.size(), 1U);
}

TEST(MailboxDeath, NobodyWritesToHimself) {
  MailboxNetwork network(2);
  Post a(network, kA);
  EXPECT_DEATH(a.mailbox.send(kA, ack(1)), "CHECK failed");
  EXPECT_DEATH(a.mailbox.send(ShardId{2}, ack(1)), "CHECK failed");
}

// --- Real threads -------------------------------------------------------------------------------

constexpr std::uint64_t kEach = 50'000;  // by each call, to each of the others

// Sends as fast as lanes take it, by both calls, and checks what comes.
class Talker final : public MessageHandler, public InboundSource {
 public:
  Talker(MailboxNetwork& network, ShardId self, std::atomic<int>& finished)
      : self_(self),
        finished_(finished),
        reactor_(ring, clock_),
        mailbox_(network, self, reactor_.waker()),
        network_(network),
        sent_(network.shards()),
        tried_(network.shards()),
        got_sent_(network.shards()),
        got_tried_(network.shards()) {
    mailbox_.set_handler(*this);
    reactor_.add_source(mailbox_);
    reactor_.add_source(*this);
  }

  void run() {
    while (!all_finished() && ring.timeouts() == 0) reactor_.turn(seconds(20));
  }

  void drain(Instant) override {
    for (std::uint16_t to = 0; to < network_.shards(); ++to) {
      if (ShardId{to} == self_) continue;
      for (int i = 0; i < 300 && sent_[to] < kEach; ++i) {
        mailbox_.send(ShardId{to}, PublishAck{sent_[to]++});
      }
      while (tried_[to] < kEach) {
        const std::string text = std::to_string(tried_[to]);
        Message message = PublishRequest{text, text + text, "", {}, tried_[to]};
        if (!mailbox_.try_send(ShardId{to}, message)) break;
        ++tried_[to];
        if (tried_[to] % 300 == 0) break;
      }
    }
    tell_if_done();
  }
  [[nodiscard]] bool ready() const override { return more_to_send() || all_finished(); }
  [[nodiscard]] bool all_finished() const {
    return finished_.load() == static_cast<int>(network_.shards());
  }
  [[nodiscard]] bool more_to_send() const {
    for (std::uint16_t to = 0; to < network_.shards(); ++to) {
      if (ShardId{to} != self_ && (sent_[to] < kEach || tried_[to] < kEach)) return true;
    }
    return false;
  }
  void on_message(ShardId from, Message& message, Instant) override {
    if (const auto* ack = std::get_if<PublishAck>(&message)) {
      wrong += ack->token == got_sent_[from.value]++ ? 0 : 1;
    } else {
      const auto& request = std::get<PublishRequest>(message);
      const std::uint64_t want = got_tried_[from.value]++;
      const std::string text = std::to_string(want);
      wrong += request.token == want && request.data == text + text ? 0 : 1;
    }
    ++received;
  }

  EventRing ring;
  std::uint64_t wrong = 0;
  std::uint64_t received = 0;

 private:
  void tell_if_done() {
    const std::uint64_t all = kEach * 2 * (network_.shards() - 1);
    if (told_ || more_to_send() || mailbox_.spilled() > 0 || received < all) return;
    told_ = true;
    finished_.fetch_add(1);
    if (all_finished()) network_.wake_all();
  }

  const ShardId self_;
  std::atomic<int>& finished_;
  MonotonicClock clock_;
  Reactor reactor_;
  Mailbox mailbox_;
  MailboxNetwork& network_;
  std::vector<std::uint64_t> sent_, tried_, got_sent_, got_tried_;
  bool told_ = false;
};

TEST(CrossThreadMailbox, NothingIsLostNorReordered) {
  constexpr std::uint16_t kShards = 3;
  MailboxNetwork network(kShards);
  std::atomic<int> finished{0};
  std::vector<std::unique_ptr<Talker>> talkers;
  for (std::uint16_t i = 0; i < kShards; ++i) {
    set_this_shard(ShardId{i});
    talkers.push_back(std::make_unique<Talker>(network, ShardId{i}, finished));
  }
  set_this_shard(ShardId{kNoShard});
  std::vector<std::thread> threads;
  for (std::uint16_t i = 0; i < kShards; ++i) {
    threads.emplace_back([&talkers, i] {
      set_this_shard(ShardId{i});
      talkers[i]->run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& talker : talkers) {
    EXPECT_EQ(talker->ring.timeouts(), 0U) << "a wake was lost";
    EXPECT_EQ(talker->wrong, 0U) << "lost, doubled or out of order";
    EXPECT_EQ(talker->received, kEach * 2 * (kShards - 1));
  }
}

}  // namespace
}  // namespace millrace

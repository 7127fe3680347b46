#include "net/tcp/listener.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/time/clock.h"
#include "tests/support/mem_ring.h"

namespace millrace {
namespace {

class ListenerSetTest : public testing::Test, public AcceptHandler {
 protected:
  static constexpr int kFirst = 11;
  static constexpr int kSecond = 12;

  ~ListenerSetTest() override {
    listeners_.stop();
    turn();
    EXPECT_TRUE(listeners_.idle());
    EXPECT_EQ(ring_.in_flight(), 0U);
    for (const FileSlot file : accepted_) {
      ring_.submit(Op::close({OpKind::kClose, 0, file.value}, file));
    }
    reactor_.turn(Duration{});
  }
  void on_accept(FileSlot file, const Peer& peer, std::uint32_t listener, Instant) override {
    accepted_.push_back(file);
    told_.push_back(std::to_string(listener) + " " + peer.to_string());
  }
  void turn() {
    for (int i = 0; i < 3; ++i) reactor_.turn(Duration{});
  }
  void advance(Duration span) {
    clock_.advance(span);
    turn();
  }
  std::size_t armed() { return ring_.pending_accepts(kFirst); }

  struct Closes final : CompletionHandler {
    void on_completion(const CompletionEvent&, Instant) override {}
  };

  ManualClock clock_;
  RecvBuffers buffers_{1, 64};
  MemRing ring_{buffers_, 256};
  Reactor reactor_{ring_, clock_};
  ShardMetrics metrics_;
  Closes closes_;
  ListenerSet listeners_{reactor_, *this, metrics_};
  std::vector<FileSlot> accepted_;
  std::vector<std::string> told_;

  ListenerSetTest() { reactor_.route(OpKind::kClose, closes_); }
};

TEST_F(ListenerSetTest, KeepsABankOf64EachWithItsOwnAddress) {
  EXPECT_EQ(listeners_.add(kFirst), 0U);
  EXPECT_EQ(armed(), 64U);
  for (std::uint16_t i = 0; i < 64; ++i) ring_.connect(kFirst, ipv4_peer("192.0.2.1", i));
  EXPECT_EQ(armed(), 0U) << "64 in one turn";
  turn();
  EXPECT_EQ(armed(), 64U);
  ASSERT_EQ(told_.size(), 64U);
  for (std::uint16_t i = 0; i < 64; ++i) {
    EXPECT_EQ(told_[i], "0 192.0.2.1:" + std::to_string(i));
  }
  EXPECT_EQ(metrics_.accepts_total, 64U);
}

TEST_F(ListenerSetTest, SeveralListenersAreToldApart) {
  EXPECT_EQ(listeners_.add(kFirst), 0U);
  EXPECT_EQ(listeners_.add(kSecond), 1U);
  ring_.connect(kSecond, ipv6_peer("::1", 7));
  ring_.connect(kFirst, ipv4_peer("127.0.0.1", 8));
  turn();
  EXPECT_EQ(told_, (std::vector<std::string>{"1 [::1]:7", "0 127.0.0.1:8"}));
}

TEST_F(ListenerSetTest, APeerThatLeftTheQueueIsNoError) {
  listeners_.add(kFirst);
  ring_.fail_accept(kFirst, IoError::kDisconnect);
  turn();
  EXPECT_EQ(armed(), 64U);
  EXPECT_EQ(metrics_.accept_errors_total, 0U);
}

TEST_F(ListenerSetTest, BacksOffFrom10MillisecondsToHalfASecondAndRecovers) {
  listeners_.add(kFirst);
  std::int64_t wait = 10;
  for (int round = 0; round < 10; ++round) {
    ring_.fail_accept(kFirst, IoError::kTableFull);
    turn();
    EXPECT_EQ(armed(), 63U) << "the failed one is held back";
    advance(milliseconds(wait - 5));
    EXPECT_EQ(armed(), 63U) << wait;
    advance(milliseconds(10));
    EXPECT_EQ(armed(), 64U) << wait;
    wait = std::min<std::int64_t>(wait * 2, 500);
  }
  EXPECT_EQ(metrics_.accept_errors_total, 10U);
  // A success starts it over.
  ring_.connect(kFirst);
  turn();
  ring_.fail_accept(kFirst, IoError::kNoFiles);
  turn();
  advance(milliseconds(14));
  EXPECT_EQ(armed(), 64U);
}

TEST_F(ListenerSetTest, AllThatFailTogetherBackOffOnce) {
  listeners_.add(kFirst);
  for (int i = 0; i < 64; ++i) ring_.fail_accept(kFirst, IoError::kNoMemory);
  turn();
  EXPECT_EQ(armed(), 0U);
  const std::uint64_t before = ring_.stats().submissions;
  turn();
  EXPECT_EQ(ring_.stats().submissions, before) << "costs nothing meanwhile";
  advance(milliseconds(14));
  EXPECT_EQ(armed(), 64U);
  ring_.fail_accept(kFirst, IoError::kNoMemory);
  turn();
  advance(milliseconds(14));
  EXPECT_EQ(armed(), 63U) << "20 ms is the second step, not the 64th";
  advance(milliseconds(14));
  EXPECT_EQ(armed(), 64U);
}

TEST_F(ListenerSetTest, StopJoinsWhateverTheOrderOfEvents) {
  for (const bool cancel_last : {false, true}) {
    ring_.report_cancel_last(cancel_last);
    ManualClock clock;
    Reactor reactor(ring_, clock);
    ListenerSet listeners(reactor, *this, metrics_);
    listeners.add(kFirst);
    ring_.connect(kFirst);  // on its way when it stops
    ring_.fail_accept(kFirst, IoError::kNoFiles);
    listeners.stop();
    listeners.stop();
    EXPECT_FALSE(listeners.idle());
    const std::size_t before = told_.size();
    for (int i = 0; i < 3; ++i) reactor.turn(Duration{});
    EXPECT_TRUE(listeners.idle());
    EXPECT_EQ(told_.size(), before + 1) << "who was let in is not forgotten";
    EXPECT_EQ(armed(), 0U);
    EXPECT_TRUE(reactor.timers().empty());
  }
}

TEST_F(ListenerSetTest, StopEndsTheBackOff) {
  listeners_.add(kFirst);
  ring_.fail_accept(kFirst, IoError::kNoFiles);
  turn();
  listeners_.stop();
  turn();
  EXPECT_TRUE(listeners_.idle());
  advance(seconds(2));
  EXPECT_EQ(armed(), 0U);
}

// --- The gate -----------------------------------------------------------------------------------

class GatedListenerTest : public ListenerSetTest, public AcceptGate {
 protected:
  std::uint32_t room(Instant) override { return room_; }
  Instant next_room(Instant) override { return next_; }
  void use_up(int connections, int listener = kFirst) {
    for (int i = 0; i < connections; ++i) {
      ring_.connect(listener);
      --room_;
    }
    turn();
  }
  ~GatedListenerTest() override {
    gated_.stop();
    reactor2_.turn(Duration{});
    reactor2_.turn(Duration{});
    reactor2_.turn(Duration{});
    EXPECT_TRUE(gated_.idle());
    EXPECT_TRUE(reactor2_.timers().empty());
  }
  void turn() {
    for (int i = 0; i < 3; ++i) reactor2_.turn(Duration{});
  }

  std::uint32_t room_ = 10;
  Instant next_ = Instant::never();
  Reactor reactor2_{ring_, clock_};
  ListenerSet gated_{reactor2_, *this, metrics_, this};
};

TEST_F(GatedListenerTest, NeverHasMoreAcceptsInFlightThanRoom) {
  gated_.add(kFirst, 4);
  EXPECT_EQ(armed(), 4U);
  use_up(4);
  EXPECT_EQ(armed(), 4U) << "room for 6";
  use_up(4);
  EXPECT_EQ(armed(), 2U);
  use_up(2);
  EXPECT_EQ(armed(), 0U);
  gated_.resume(clock_.now());
  EXPECT_EQ(armed(), 0U) << "there is no more";
  room_ = 1;
  gated_.resume(clock_.now());
  EXPECT_EQ(armed(), 1U);
  room_ = 100;
  gated_.resume(clock_.now());
  EXPECT_EQ(armed(), 4U) << "the bank";
}

TEST_F(GatedListenerTest, TimeThatBringsRoomIsWaitedFor) {
  gated_.add(kFirst, 4);
  room_ = 4;
  next_ = clock_.now() + milliseconds(40);
  use_up(4);
  EXPECT_EQ(armed(), 0U);
  clock_.advance(milliseconds(30));
  turn();
  EXPECT_EQ(armed(), 0U);
  room_ = 2;
  next_ = Instant::never();
  clock_.advance(milliseconds(20));
  turn();
  EXPECT_EQ(armed(), 2U);
}

TEST_F(GatedListenerTest, ListenersTakeTurnsWhereRoomIsScarce) {
  room_ = 8;
  gated_.add(kFirst, 4);
  gated_.add(kSecond, 4);
  use_up(4, kFirst);
  use_up(4, kSecond);
  EXPECT_EQ(ring_.pending_accepts(kFirst) + ring_.pending_accepts(kSecond), 0U);
  for (std::uint32_t i = 1; i <= 8; ++i) {
    room_ = i;
    gated_.resume(clock_.now());
  }
  EXPECT_EQ(ring_.pending_accepts(kFirst), 4U);
  EXPECT_EQ(ring_.pending_accepts(kSecond), 4U) << "who waited longest comes first";
}

TEST_F(GatedListenerTest, ABackOffWaitsForRoomToo) {
  gated_.add(kFirst, 4);
  ring_.fail_accept(kFirst, IoError::kNoMemory);
  turn();
  room_ = 3;
  clock_.advance(milliseconds(20));
  turn();
  EXPECT_EQ(armed(), 3U);
  room_ = 4;
  gated_.resume(clock_.now());
  EXPECT_EQ(armed(), 4U);
}

}  // namespace
}  // namespace millrace

#include "net/tcp/connection.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/net/tcp/table_harness.h"

namespace millrace {
namespace {

// --- Every way out joins: what is in flight is cancelled and waited for, then the socket is
// closed.

enum class Receive : std::uint8_t {
  kWaiting,
  kReceived,  // the kernel has received something, or told of it
  kLooking,   // quiet: a receive follows what the poll told
  kTurning,   // from quiet to busy, or back
  kPaused,
  kPausedUnread,
  kParked,
  kEnded,
};
enum class Send : std::uint8_t { kNothing, kQueued, kStuck, kStuckGather };
enum class End : std::uint8_t { kTerminate, kReset, kSendFails, kDeadline, kFlushTimeout, kLinger };

struct WayOut {
  bool busy;
  Receive receive;
  Send send;
  End end;
  bool cancel_last;
};

std::vector<WayOut> all_ways() {
  std::vector<WayOut> ways;
  for (const Receive receive :
       {Receive::kWaiting, Receive::kReceived, Receive::kLooking, Receive::kTurning,
        Receive::kPaused, Receive::kPausedUnread, Receive::kParked, Receive::kEnded}) {
    for (const Send send : {Send::kNothing, Send::kQueued, Send::kStuck, Send::kStuckGather}) {
      for (const End end : {End::kTerminate, End::kReset, End::kSendFails, End::kDeadline,
                            End::kFlushTimeout, End::kLinger}) {
        for (const bool busy : {false, true}) {
          ways.push_back({busy, receive, send, end, false});
          ways.push_back({busy, receive, send, end, true});
        }
      }
    }
  }
  return ways;
}

class ConnectionWayOut : public testing::TestWithParam<WayOut> {
 protected:
  static void receive_is(TableHarness& world, Record& record) {
    switch (GetParam().receive) {
      case Receive::kWaiting:
        return;
      case Receive::kReceived:
        world.ring.client_send(record.file, "something");
        return;
      case Receive::kLooking:
        world.ring.client_send(record.file, "something");
        world.turn();
        return;
      case Receive::kTurning:
        return turn(world, record);
      case Receive::kPaused:
        record.connection->pause_reading();
        world.turn();
        return;
      case Receive::kPausedUnread:
        record.take = [&record](Bytes, Instant) {
          record.connection->pause_reading();
          return 0;
        };
        world.ring.client_send(record.file, "unread");
        world.turn();
        world.turn();
        return;
      case Receive::kParked:
        return park(world, record);
      case Receive::kEnded:
        record.when_ended = [](Instant) {};
        world.ring.client_close(record.file);
        world.settle();
        EXPECT_EQ(record.ends, 1);
        return;
    }
  }
  // Its poll is cancelled and its receive is armed, or the other way round.
  static void turn(TableHarness& world, Record& record) {
    if (GetParam().busy) return world.fire_timer(record, kQuietAfter);
    while (world.metrics.turned_busy_total == 0) {
      if (world.ring.unread(record.file) == 0) world.ring.client_send(record.file, "-");
      world.turn();
    }
  }
  // Another one's input fills the buffers before its own receive, which ends for want of one.
  static void park(TableHarness& world, Record& record) {
    Record& other = world.open_busy();
    world.ring.client_send(record.file, "x");
    world.ring.client_send(other.file, std::string(200, 'x'));
    world.ring.client_send(record.file, "y");
    world.turn();
    world.turn();
    EXPECT_GT(world.metrics.recv_parked_total, 0U);
    other.connection->terminate(world.clock.now());
  }
  static void send_is(TableHarness& world, Record& record) {
    const Send send = GetParam().send;
    if (send == Send::kNothing) return;
    if (send != Send::kQueued) world.ring.set_send_budget(record.file, 0);
    for (int i = 0; i < (send == Send::kStuckGather ? 3 : 1); ++i) {
      record.connection->send(shared("message"));
    }
    if (send != Send::kQueued) world.turn();
  }
  static void end(TableHarness& world, Record& record) {
    switch (GetParam().end) {
      case End::kTerminate:
        record.connection->terminate(world.clock.now());
        break;
      case End::kReset:
        world.ring.client_reset(record.file);
        // Without a receive or a send in the kernel nobody hears of it before the next one.
        world.turn();
        if (record.closings == 0) record.connection->terminate(world.clock.now());
        break;
      case End::kSendFails:
        if (world.ring.send_stuck(record.file)) {
          world.ring.fail_send(record.file, IoError::kDisconnect);
        } else {
          record.connection->terminate(world.clock.now());
        }
        break;
      case End::kDeadline:
        record.connection->set_deadline(world.clock.now() + seconds(1));
        world.advance(seconds(1) + milliseconds(4));
        EXPECT_EQ(record.deadlines, 1);
        break;
      case End::kFlushTimeout:
        // The peer neither reads nor closes: the deadline of the send, or of the linger.
        record.connection->close_when_flushed(seconds(1), world.clock.now());
        world.settle();
        world.advance(seconds(11));
        break;
      case End::kLinger:
        record.connection->close_when_flushed(seconds(1), world.clock.now());
        if (world.ring.is_open(record.file)) world.ring.clear_send_budget(record.file);
        world.settle();
        // Unless it had closed its half already, it does so now.
        if (world.ring.is_open(record.file)) world.ring.client_close(record.file);
        break;
    }
  }
};

TEST_P(ConnectionWayOut, Joins) {
  TableHarness world({.capacity = 4}, 2, 64);
  world.ring.report_cancel_last(GetParam().cancel_last);
  Record& record = GetParam().busy ? world.open_busy() : world.open();
  receive_is(world, record);
  send_is(world, record);
  end(world, record);
  world.settle();
  EXPECT_EQ(record.closings, 1);
  EXPECT_TRUE(record.destroyed);
  EXPECT_FALSE(world.ring.is_open(record.file));
  EXPECT_TRUE(world.table.idle());
  EXPECT_EQ(world.ring.in_flight(), 0U);
  EXPECT_EQ(world.metrics.queued_bytes, 0U);
  EXPECT_EQ(world.quota.taken(), 0U);
  EXPECT_EQ(world.table.find(record.id), nullptr);
  if (GetParam().end == End::kLinger) {
    const std::size_t messages = GetParam().send == Send::kNothing       ? 0
                                 : GetParam().send == Send::kStuckGather ? 3
                                                                         : 1;
    EXPECT_EQ(world.ring.sent(record.file).size(), messages * 7) << "what was queued goes out";
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConnectionWayOut, testing::ValuesIn(all_ways()));

// --- Saying goodbye -----------------------------------------------------------------------------

TEST(Connection, LingersAndDropsInputUntilThePeerCloses) {
  TableHarness world;
  Record& record = world.open();
  record.connection->send(shared("bye"));
  record.connection->close_when_flushed(seconds(1), world.clock.now());
  world.ring.client_send(record.file, "not read any more");
  world.settle();
  EXPECT_EQ(record.bytes, "");
  EXPECT_EQ(world.ring.sent(record.file), "bye");
  world.advance(milliseconds(990));
  EXPECT_TRUE(world.ring.is_open(record.file));
  world.advance(milliseconds(20));
  EXPECT_FALSE(world.ring.is_open(record.file));
}

TEST(Connection, WithoutALingerItClosesOnceFlushed) {
  TableHarness world;
  Record& record = world.open();
  record.connection->send(shared("bye"));
  record.connection->close_when_flushed(Duration{}, world.clock.now());
  world.settle();
  EXPECT_EQ(world.ring.sent(record.file), "bye");
  EXPECT_FALSE(world.ring.is_open(record.file));
}

TEST(Connection, APeerThatTakesAByteNowAndThenDoesNotKeepItFlushing) {
  TableHarness harness({.flush_timeout = seconds(30)});
  Record& record = harness.open();
  harness.ring.set_send_budget(record.file, 1);
  record.connection->send(SharedBytes::copy_of(std::string(1'000, 'x')));
  harness.settle();
  record.connection->close_when_flushed(seconds(1), harness.clock.now());
  for (int second = 1; second < 30; ++second) {
    harness.advance(seconds(1));
    ASSERT_FALSE(record.destroyed) << second;
    harness.ring.set_send_budget(record.file, 1);
    harness.settle();
  }
  harness.advance(seconds(1) + milliseconds(10));
  EXPECT_TRUE(record.destroyed);
}

TEST(Connection, ClosesAtOnceWithNothingToFlush) {
  TableHarness world;
  Record& record = world.open();
  record.connection->close_when_flushed(Duration{}, world.clock.now());
  EXPECT_TRUE(record.connection->closing());
  world.settle();
  EXPECT_TRUE(record.destroyed);
}

TEST(Connection, MaySayGoodbyeWhileItsProtocolIsMade) {
  TableHarness world;
  Record& answered = world.open([&](Record& record) {
    record.connection->send(shared("503"));
    record.connection->close_when_flushed(seconds(1), world.clock.now());
  });
  Record& silent = world.open([&](Record& record) {
    record.connection->close_when_flushed(seconds(1), world.clock.now());
  });
  world.settle();
  EXPECT_EQ(world.ring.sent(answered.file), "503");
  EXPECT_TRUE(world.ring.is_open(silent.file));
  world.ring.client_close(answered.file);
  world.advance(milliseconds(1'010));
  EXPECT_TRUE(answered.destroyed);
  EXPECT_TRUE(silent.destroyed);
}

TEST(Connection, NothingGoesOutBehindTheLastWord) {
  TableHarness world;
  Record& record = world.open();
  EXPECT_TRUE(record.connection->send(shared("one,")));
  record.connection->send_last(shared("last"));
  EXPECT_TRUE(record.connection->send(shared("late")));
  record.connection->send_last(shared("later"));
  world.settle();
  EXPECT_TRUE(record.connection->send(shared("much later")));
  world.settle();
  EXPECT_EQ(world.ring.sent(record.file), "one,last");
}

// --- Time ---------------------------------------------------------------------------------------

TEST(Connection, AnEarlierDeadlineMovesTheTimerAndALaterOneHolds) {
  TableHarness world;
  Record& record = world.open();
  record.connection->set_deadline(world.clock.now() + seconds(10));
  record.connection->set_deadline(world.clock.now() + seconds(1));
  record.connection->set_deadline(world.clock.now() + seconds(5));
  world.advance(milliseconds(4'990));
  EXPECT_EQ(record.deadlines, 0);
  world.advance(milliseconds(20));
  EXPECT_EQ(record.deadlines, 1);
}

TEST(Connection, NoDeadlineIsNoDeadline) {
  TableHarness world;
  Record& record = world.open();
  record.connection->set_deadline(world.clock.now() + seconds(1));
  record.connection->set_deadline(Instant::never());
  world.advance(seconds(3'600));
  EXPECT_EQ(record.deadlines, 0);
  EXPECT_TRUE(record.connection->open());
}

}  // namespace
}  // namespace millrace

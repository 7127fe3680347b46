#include "net/tcp/connection.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/net/tcp/table_harness.h"

namespace millrace {
namespace {

// --- Every way out joins: what is in flight is cancelled and waited for, then the socket is
// closed.

enum class Receive : std::uint8_t { kArmed, kPaused, kPausedUnread, kParked, kEnded };
enum class Send : std::uint8_t { kNothing, kQueued, kStuck, kStuckGather };
enum class End : std::uint8_t { kTerminate, kReset, kSendFails, kDeadline, kFlushTimeout, kLinger };

struct WayOut {
  Receive receive;
  Send send;
  End end;
  bool cancel_last;
};

std::vector<WayOut> all_ways() {
  std::vector<WayOut> ways;
  for (const Receive receive : {Receive::kArmed, Receive::kPaused, Receive::kPausedUnread,
                                Receive::kParked, Receive::kEnded}) {
    for (const Send send : {Send::kNothing, Send::kQueued, Send::kStuck, Send::kStuckGather}) {
      for (const End end : {End::kTerminate, End::kReset, End::kSendFails, End::kDeadline,
                            End::kFlushTimeout, End::kLinger}) {
        for (const bool cancel_last : {false, true}) {
          ways.push_back({receive, send, end, cancel_last});
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
      case Receive::kArmed:
        return;
      case Receive::kPaused:
        record.connection->pause_reading();
        world.turn();
        return;
      case Receive::kPausedUnread:
        record.take = [&record](Bytes, Instant) {
          record.connection->pause_reading();
          return false;
        };
        world.ring.client_send(record.file, "unread");
        world.turn();
        return;
      case Receive::kParked:
        // More than the buffers hold: the receive ends for want of one.
        world.ring.client_send(record.file, std::string(200, 'x'));
        world.turn();
        EXPECT_GT(world.metrics.recv_parked_total, 0U);
        return;
      case Receive::kEnded:
        record.when_ended = [](Instant) {};
        world.ring.client_close(record.file);
        world.turn();
        EXPECT_EQ(record.ends, 1);
        return;
    }
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
  Record& record = world.open();
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

// --- Reading ------------------------------------------------------------------------------------

TEST(Connection, AMultishotReceiveThatEndsWithDataIsArmedAgain) {
  TableHarness world;
  Record& record = world.open();
  for (int i = 0; i < 5; ++i) {
    world.ring.end_receive_with_next(record.file);
    world.ring.client_send(record.file, "x" + std::to_string(i));
    world.turn();
    EXPECT_TRUE(world.ring.receive_armed(record.file));
  }
  EXPECT_EQ(record.bytes, "x0x1x2x3x4");
}

TEST(Connection, BytesOfAPausedConnectionWaitInOrder) {
  TableHarness world;
  Record& record = world.open();
  world.ring.client_send(record.file, "taken,");
  world.turn();
  // Several pieces are on their way when it pauses, and more come later.
  int refusals = 0;
  record.take = [&](Bytes, Instant) {
    ++refusals;
    record.connection->pause_reading();
    return false;
  };
  world.ring.client_send(record.file, "first sixteen by.second sixteen b.third,");
  world.turn();
  EXPECT_EQ(refusals, 1) << "nothing is handed over while paused";
  world.ring.client_send(record.file, "in the kernel");
  world.settle();
  EXPECT_FALSE(world.ring.receive_armed(record.file));
  EXPECT_EQ(record.bytes, "taken,");
  record.take = {};
  record.connection->resume_reading();
  world.settle();
  EXPECT_EQ(record.bytes, "taken,first sixteen by.second sixteen b.third,in the kernel");
  EXPECT_TRUE(world.ring.receive_armed(record.file));
}

TEST(Connection, PausingAndResumingInOneTurnLosesNothing) {
  TableHarness world;
  Record& record = world.open();
  world.ring.client_send(record.file, "a");
  record.connection->pause_reading();
  record.connection->resume_reading();
  record.connection->pause_reading();
  record.connection->resume_reading();
  world.settle();
  world.ring.client_send(record.file, "b");
  world.settle();
  EXPECT_EQ(record.bytes, "ab");
  EXPECT_TRUE(world.ring.receive_armed(record.file));
}

TEST(Connection, RefusesAgainAndGetsTheSameBytesAgain) {
  TableHarness world;
  Record& record = world.open();
  record.take = [&](Bytes bytes, Instant) {
    EXPECT_EQ(bytes, "hello");
    record.connection->pause_reading();
    return false;
  };
  world.ring.client_send(record.file, "hello");
  world.settle();
  for (int i = 0; i < 3; ++i) {
    record.connection->resume_reading();
    world.settle();
    EXPECT_EQ(record.bytes, "");
  }
  record.take = {};
  record.connection->resume_reading();
  world.settle();
  EXPECT_EQ(record.bytes, "hello");
}

TEST(Connection, TheEndOfStreamWaitsBehindUnreadBytes) {
  TableHarness world;
  Record& record = world.open();
  record.connection->pause_reading();
  world.ring.client_send(record.file, "last words");
  world.ring.client_close(record.file);
  world.settle();
  EXPECT_EQ(record.ends, 0);
  EXPECT_EQ(record.bytes, "");
  record.connection->resume_reading();
  world.settle();
  EXPECT_EQ(record.bytes, "last words");
  EXPECT_EQ(record.ends, 1);
}

// Another connection's completion resumes this one between its bytes and its FIN.
TEST(Connection, TheEndOfStreamDoesNotOvertakeBytesThatAreAboutToBeFed) {
  TableHarness world;
  Record& record = world.open();
  Record& other = world.open();
  record.take = [&](Bytes, Instant) {
    record.connection->pause_reading();
    return false;
  };
  other.take = [&](Bytes, Instant) {
    record.take = {};
    record.connection->resume_reading();
    return true;
  };
  world.ring.client_send(record.file, "hello");
  world.ring.client_send(other.file, "x");
  world.ring.client_close(record.file);
  world.settle();
  EXPECT_EQ(record.bytes, "hello");
  EXPECT_EQ(record.ends, 1);
}

TEST(Connection, ResetEndsItWithoutAnEndOfStream) {
  TableHarness world;
  Record& record = world.open();
  world.ring.client_reset(record.file);
  world.settle();
  EXPECT_EQ(record.ends, 0);
  EXPECT_TRUE(record.destroyed);
}

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

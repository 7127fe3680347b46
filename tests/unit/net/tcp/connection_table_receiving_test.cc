#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/tcp/connection_table.h"
#include "tests/unit/net/tcp/table_harness.h"

namespace millrace {
namespace {

// --- Quiet --------------------------------------------------------------------------------------

std::size_t submissions(const TableHarness& world) { return world.ring.stats().submissions; }

TEST(ConnectionReceiving, ANewConnectionWaitsInAPoll) {
  TableHarness world;
  Record& record = world.open();
  EXPECT_TRUE(world.ring.poll_armed(record.file));
  EXPECT_FALSE(world.ring.receive_armed(record.file));
  EXPECT_EQ(world.ring.in_flight(), 1U);
  EXPECT_EQ(world.metrics.busy_connections, 0U);
}

TEST(ConnectionReceiving, WhatCameBeforeThePollIsRead) {
  TableHarness world;
  Record& record = world.open([&](Record& early) { world.ring.client_send(early.file, "early"); });
  world.settle();
  EXPECT_EQ(record.bytes, "early");
}

TEST(ConnectionReceiving, AnInputOfAQuietConnectionCostsOneReceive) {
  TableHarness world;
  Record& record = world.open();
  for (int i = 0; i < 3; ++i) {
    const std::size_t before = submissions(world);
    world.ring.client_send(record.file, "ping");
    world.settle();
    EXPECT_EQ(submissions(world), before + 1);
    world.advance(kQuietAfter);
  }
  EXPECT_EQ(record.bytes, "pingpingping");
  EXPECT_TRUE(world.ring.poll_armed(record.file));
}

TEST(ConnectionReceiving, MoreThanABufferIsReadToItsEnd) {
  for (const std::size_t size : {15U, 16U, 17U, 31U, 32U, 33U, 1'000U}) {
    TableHarness world;
    Record& record = world.open();
    world.ring.client_send(record.file, std::string(size, 'x'));
    for (std::size_t i = 0; i < size / 16 + 4; ++i) world.turn();
    EXPECT_EQ(record.bytes.size(), size);
    EXPECT_EQ(world.ring.unread(record.file), 0U);
  }
}

// The pong is in the socket, the poll has told of it, and now its deadline comes.
TEST(ConnectionReceiving, ADeadlineWaitsForInputThatIsThere) {
  TableHarness world;
  Record& record = world.open();
  record.take = [&](Bytes bytes, Instant now) {
    record.connection->set_deadline(now + seconds(5));
    return bytes.size();
  };
  record.connection->set_deadline(world.clock.now() + seconds(1));
  world.ring.client_send(record.file, "pong");
  world.clock.advance(seconds(2));
  world.settle();
  EXPECT_EQ(record.bytes, "pong");
  EXPECT_EQ(record.deadlines, 0);
  world.advance(seconds(6));
  EXPECT_EQ(record.deadlines, 1);
}

// Input that is none of what is waited for excuses nobody twice.
TEST(ConnectionReceiving, ADeadlineWaitsOnce) {
  TableHarness world;
  Record& record = world.open();
  record.connection->set_deadline(world.clock.now() + seconds(1));
  world.clock.advance(seconds(2));
  for (int i = 0; i < 8 && record.deadlines == 0; ++i) {
    world.ring.client_send(record.file, "x");
    world.turn();
  }
  EXPECT_EQ(record.deadlines, 1);
  EXPECT_LE(record.bytes.size(), 2U);
}

TEST(ConnectionReceiving, WhatComesDuringAReceiveIsReadAfterIt) {
  TableHarness world;
  Record& record = world.open();
  world.ring.client_send(record.file, "first");
  world.turn();  // the receive is in flight, and the kernel has done it
  EXPECT_EQ(world.ring.unread(record.file), 0U);
  world.ring.client_send(record.file, ", second");
  world.turn();
  EXPECT_EQ(record.bytes, "first");
  world.settle();
  EXPECT_EQ(record.bytes, "first, second");
}

TEST(ConnectionReceiving, APollThatToldForNothingEndsInOneReceive) {
  TableHarness world;
  Record& record = world.open();
  const std::size_t before = submissions(world);
  world.ring.poll_again(record.file);
  world.settle();
  EXPECT_EQ(submissions(world), before + 1);
  EXPECT_TRUE(record.connection->open());
  EXPECT_EQ(world.metrics.io_errors_total, 0U);
  world.ring.client_send(record.file, "x");
  world.settle();
  EXPECT_EQ(record.bytes, "x");
}

TEST(ConnectionReceiving, APollThatEndsIsArmedAgain) {
  TableHarness world;
  Record& record = world.open();
  for (int i = 0; i < 3; ++i) {
    world.ring.end_with_next(record.file);
    world.ring.client_send(record.file, "x");
    world.settle();
    EXPECT_TRUE(world.ring.poll_armed(record.file));
  }
  EXPECT_EQ(record.bytes, "xxx");
}

TEST(ConnectionReceiving, APollThatIsCancelledByNobodyIsArmedAgain) {
  TableHarness world;
  Record& record = world.open();
  world.ring.fail_poll(record.file, IoError::kCanceled);
  world.ring.client_send(record.file, "x");
  world.settle();
  EXPECT_EQ(record.bytes, "x");
  EXPECT_TRUE(world.ring.poll_armed(record.file));
}

// Armed again, it would fail again: a loop of errors, turn by turn.
TEST(ConnectionReceiving, AfterAPollThatFailsAReceiveWaits) {
  for (const IoError error : {IoError::kNoMemory, IoError::kOther, IoError::kDisconnect}) {
    TableHarness world;
    Record& record = world.open();
    world.ring.fail_poll(record.file, error);
    world.settle();
    EXPECT_FALSE(world.ring.poll_armed(record.file));
    EXPECT_TRUE(world.ring.receive_armed(record.file));
    EXPECT_EQ(world.metrics.busy_connections, 1U);
    world.ring.client_send(record.file, "x");
    world.settle();
    EXPECT_EQ(record.bytes, "x");
    world.advance(kQuietAfter);
    world.fire_timer(record, seconds(25));
    world.settle();
    EXPECT_TRUE(world.ring.poll_armed(record.file)) << "its timer tries again";
  }
}

// The kernel tells once of bytes and the end behind them, and a receive gets the bytes only.
TEST(ConnectionReceiving, TheEndBehindBytesIsRead) {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 40U}) {
    TableHarness world;
    Record& record = world.open([&](Record& early) {
      world.ring.client_send(early.file, std::string(size, 'x'));
      world.ring.client_close(early.file);
    });
    world.settle();
    EXPECT_EQ(record.bytes.size(), size);
    EXPECT_EQ(record.ends, 1);
  }
}

TEST(ConnectionReceiving, AResetBehindBytesIsSeen) {
  for (const bool paused : {false, true}) {
    TableHarness world;
    Record& record = world.open([&](Record& early) {
      if (paused) early.connection->pause_reading();
      world.ring.client_send(early.file, "x");
      world.ring.client_reset(early.file);
    });
    world.settle();
    if (paused) record.connection->resume_reading();
    world.settle();
    EXPECT_TRUE(record.destroyed);
    EXPECT_EQ(record.ends, 0);
  }
}

TEST(ConnectionReceiving, NothingIsLookedForBehindTheEnd) {
  TableHarness world;
  Record& record = world.open();
  record.when_ended = [](Instant) {};
  world.ring.client_close(record.file);
  world.settle();
  const std::size_t before = submissions(world);
  world.ring.poll_again(record.file);
  world.settle();
  EXPECT_EQ(submissions(world), before);
  EXPECT_EQ(record.ends, 1);
}

TEST(ConnectionReceiving, AQuietConnectionThatPausedIsNotRead) {
  TableHarness world;
  Record& record = world.open();
  record.connection->pause_reading();
  const std::size_t before = submissions(world);
  world.ring.client_send(record.file, "later");
  world.settle();
  world.ring.client_send(record.file, " and later");
  world.settle();
  EXPECT_EQ(submissions(world), before);
  EXPECT_EQ(world.ring.unread(record.file), 15U);
  record.connection->resume_reading();
  world.settle();
  EXPECT_EQ(record.bytes, "later and later");
}

TEST(ConnectionReceiving, AQuietConnectionOutOfBuffersLooksAgain) {
  TableHarness world({}, 1, 4);
  Record& flood = world.open_busy();
  Record& quiet = world.open();
  world.ring.client_send(quiet.file, "hi");
  world.ring.client_send(flood.file, "xxxx");  // fills the only buffer before the receive for "hi"
  world.ring.client_send(flood.file, "yyyy");
  world.settle();
  EXPECT_GE(world.metrics.recv_parked_total, 2U);
  EXPECT_EQ(quiet.bytes, "hi");
  EXPECT_EQ(flood.bytes, "xxxxyyyy");
  EXPECT_TRUE(world.ring.poll_armed(quiet.file));
}

// --- Pausing and the end -------------------------------------------------------------------------

TEST(ConnectionReceiving, AMultishotReceiveThatEndsWithDataIsArmedAgain) {
  TableHarness world;
  Record& record = world.open_busy();
  for (int i = 0; i < 5; ++i) {
    world.ring.end_with_next(record.file);
    world.ring.client_send(record.file, "x" + std::to_string(i));
    world.turn();
    EXPECT_TRUE(world.ring.receive_armed(record.file));
  }
  EXPECT_EQ(record.bytes, "x0x1x2x3x4");
}

TEST(ConnectionReceiving, BytesOfAPausedConnectionWaitInOrder) {
  for (const bool busy : {false, true}) {
    TableHarness world;
    Record& record = busy ? world.open_busy() : world.open();
    world.ring.client_send(record.file, "taken,");
    world.settle();
    // Several pieces are on their way when it pauses, and more come later.
    int refusals = 0;
    record.take = [&](Bytes, Instant) {
      ++refusals;
      record.connection->pause_reading();
      return 0;
    };
    world.ring.client_send(record.file, "first sixteen by.second sixteen b.third,");
    world.settle();
    EXPECT_EQ(refusals, 1) << "nothing is handed over while paused";
    world.ring.client_send(record.file, "in the kernel");
    world.settle();
    EXPECT_EQ(world.ring.unread(record.file), busy ? 13U : 13U + 24U);
    EXPECT_EQ(record.bytes, "taken,");
    record.take = {};
    record.connection->resume_reading();
    world.settle();
    EXPECT_EQ(record.bytes, "taken,first sixteen by.second sixteen b.third,in the kernel");
    EXPECT_EQ(world.ring.receive_armed(record.file), busy);
    EXPECT_EQ(world.ring.poll_armed(record.file), !busy);
  }
}

TEST(ConnectionReceiving, PausingAndResumingInOneTurnLosesNothing) {
  for (const bool busy : {false, true}) {
    TableHarness world;
    Record& record = busy ? world.open_busy() : world.open();
    world.ring.client_send(record.file, "a");
    record.connection->pause_reading();
    record.connection->resume_reading();
    record.connection->pause_reading();
    record.connection->resume_reading();
    world.settle();
    world.ring.client_send(record.file, "b");
    world.settle();
    EXPECT_EQ(record.bytes, "ab");
    EXPECT_EQ(world.ring.receive_armed(record.file), busy);
  }
}

TEST(ConnectionReceiving, RefusesAgainAndGetsTheSameBytesAgain) {
  for (const bool busy : {false, true}) {
    TableHarness world;
    Record& record = busy ? world.open_busy() : world.open();
    record.take = [&](Bytes bytes, Instant) {
      EXPECT_EQ(bytes, "hello");
      record.connection->pause_reading();
      return 0;
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
}

TEST(ConnectionReceiving, WhatWasNotTakenComesBehindWhatWas) {
  for (const bool busy : {false, true}) {
    TableHarness world;
    Record& record = busy ? world.open_busy() : world.open();
    record.take = [&](Bytes, Instant) {
      record.connection->pause_reading();
      return 1;
    };
    world.ring.client_send(record.file, "hello");
    world.settle();
    world.ring.client_send(record.file, " you");
    world.ring.client_close(record.file);
    world.settle();
    std::string expected = "h";
    for (const char next : std::string("ello")) {
      EXPECT_EQ(record.bytes, expected);
      expected += next;
      record.connection->resume_reading();
      world.settle();
    }
    EXPECT_EQ(record.bytes, "hello");
    EXPECT_EQ(record.ends, 0) << "the end comes behind what is unread";
    record.take = {};
    record.connection->resume_reading();
    world.settle();
    EXPECT_EQ(record.bytes, "hello you");
    EXPECT_EQ(record.ends, 1);
  }
}

TEST(ConnectionReceiving, TheEndOfStreamWaitsBehindUnreadBytes) {
  for (const bool busy : {false, true}) {
    TableHarness world;
    Record& record = busy ? world.open_busy() : world.open();
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
}

// Another connection's completion resumes this one between its bytes and its FIN.
TEST(ConnectionReceiving, TheEndOfStreamDoesNotOvertakeBytesThatAreAboutToBeFed) {
  TableHarness world;
  Record& record = world.open_busy();
  Record& other = world.open_busy();
  record.take = [&](Bytes, Instant) {
    record.connection->pause_reading();
    return 0;
  };
  other.take = [&](Bytes bytes, Instant) {
    record.take = {};
    record.connection->resume_reading();
    return bytes.size();
  };
  world.ring.client_send(record.file, "hello");
  world.ring.client_send(other.file, "x");
  world.ring.client_close(record.file);
  world.settle();
  EXPECT_EQ(record.bytes, "hello");
  EXPECT_EQ(record.ends, 1);
}

TEST(ConnectionReceiving, ResetEndsItWithoutAnEndOfStream) {
  for (const bool busy : {false, true}) {
    TableHarness world;
    Record& record = busy ? world.open_busy() : world.open();
    world.ring.client_reset(record.file);
    world.settle();
    EXPECT_EQ(record.ends, 0);
    EXPECT_TRUE(record.destroyed);
  }
}

}  // namespace
}  // namespace millrace

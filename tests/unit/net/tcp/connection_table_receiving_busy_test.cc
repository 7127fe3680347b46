#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/tcp/connection_table.h"
#include "tests/unit/net/tcp/table_harness.h"

namespace millrace {
namespace {

// --- Busy ---------------------------------------------------------------------------------------

TEST(ConnectionReceiving, SoManyInputsWithoutAGapMakeItBusy) {
  for (const int inputs : {kBusyInputs - 1, int{kBusyInputs}, kBusyInputs + 1}) {
    TableHarness world;
    Record& record = world.open();
    for (int i = 0; i < inputs; ++i) {
      world.advance(kQuietAfter - milliseconds(8));
      world.ring.client_send(record.file, "x");
      world.settle();
    }
    const bool busy = inputs >= kBusyInputs;
    EXPECT_EQ(world.ring.receive_armed(record.file), busy);
    EXPECT_EQ(world.ring.poll_armed(record.file), !busy);
    EXPECT_EQ(world.metrics.turned_busy_total, busy ? 1U : 0U);
    EXPECT_EQ(world.metrics.busy_connections, busy ? 1U : 0U);
    EXPECT_EQ(record.bytes.size(), static_cast<std::size_t>(inputs));
  }
}

TEST(ConnectionReceiving, AGapBeginsTheCountAnew) {
  TableHarness world;
  Record& record = world.open();
  for (int i = 0; i < 4 * kBusyInputs; ++i) {
    if (i % (kBusyInputs - 1) == 0) world.advance(kQuietAfter);
    world.ring.client_send(record.file, "x");
    world.settle();
  }
  EXPECT_EQ(world.metrics.turned_busy_total, 0U);
}

TEST(ConnectionReceiving, ABusyOneTurnsQuietWithItsTimer) {
  for (const Duration silence : {kQuietAfter - milliseconds(8), kQuietAfter}) {
    TableHarness world;
    Record& record = world.open_busy();
    world.fire_timer(record, silence);
    world.settle();
    const bool quiet = silence >= kQuietAfter;
    EXPECT_EQ(world.ring.poll_armed(record.file), quiet);
    EXPECT_EQ(world.ring.receive_armed(record.file), !quiet);
    EXPECT_EQ(world.metrics.turned_quiet_total, quiet ? 1U : 0U);
    EXPECT_EQ(world.metrics.busy_connections, quiet ? 0U : 1U);
    world.ring.client_send(record.file, "x");
    world.settle();
    EXPECT_EQ(record.bytes, "x");
  }
}

TEST(ConnectionReceiving, WithoutATimerItStaysBusy) {
  TableHarness world;
  Record& record = world.open_busy();
  world.advance(seconds(3'600));
  EXPECT_TRUE(world.ring.receive_armed(record.file));
}

// Input at every point of both ways, cancels before and behind what they cancel.
TEST(ConnectionReceiving, NoInputIsLostBetweenTheTwo) {
  for (const bool cancel_last : {false, true}) {
    for (int input_at = 0; input_at < 60; ++input_at) {
      TableHarness world;
      world.ring.report_cancel_last(cancel_last);
      Record& record = world.open();
      std::string sent;
      const auto send = [&](Bytes bytes) {
        sent += bytes;
        world.ring.client_send(record.file, bytes);
      };
      for (int turn = 0; turn < 60; ++turn) {
        if (turn == input_at) send("more than a buffer's fill");
        if (turn % 20 < 16 && turn % 2 == 0) send(std::to_string(turn) + ",");
        if (turn % 20 == 19) world.fire_timer(record, kQuietAfter);
        world.turn();
      }
      world.settle();
      ASSERT_EQ(record.bytes, sent) << input_at;
      ASSERT_GE(world.metrics.turned_busy_total, 2U);
      ASSERT_GE(world.metrics.turned_quiet_total, 2U);
    }
  }
}

TEST(ConnectionReceiving, TheEndIsReadBetweenTheTwo) {
  for (int end_at = 0; end_at < 8; ++end_at) {
    for (const bool to_busy : {false, true}) {
      TableHarness world;
      Record& record = to_busy ? world.open() : world.open_busy();
      if (to_busy) world.ring.client_send(record.file, std::string(16 * kBusyInputs, 'x'));
      if (!to_busy) world.fire_timer(record, kQuietAfter);
      for (int turn = 0; turn < 2 * kBusyInputs + 4; ++turn) {
        if (turn == (to_busy ? kBusyInputs : 0) + end_at) world.ring.client_close(record.file);
        world.turn();
      }
      world.settle();
      EXPECT_EQ(record.ends, 1) << end_at;
      EXPECT_EQ(record.bytes.size(), to_busy ? 16U * kBusyInputs : 0U);
    }
  }
}

TEST(ConnectionReceiving, ABusyOneThatPausedMayTurnQuiet) {
  TableHarness world;
  Record& record = world.open_busy();
  record.connection->pause_reading();
  world.fire_timer(record, kQuietAfter);
  world.ring.client_send(record.file, "meanwhile");
  world.settle();
  EXPECT_EQ(world.metrics.turned_quiet_total, 1U);
  EXPECT_EQ(record.bytes, "");
  record.connection->resume_reading();
  world.settle();
  EXPECT_EQ(record.bytes, "meanwhile");
  EXPECT_TRUE(world.ring.poll_armed(record.file));
}

TEST(ConnectionReceiving, ABusyOneThatIsParkedMayTurnQuiet) {
  TableHarness world({}, 1, 4);
  Record& record = world.open_busy();
  Record& other = world.open_busy();
  world.clock.advance(kQuietAfter);
  world.ring.client_send(other.file, "xxxx");
  world.ring.client_send(record.file, "y");  // finds no buffer
  world.fire_timer(record, kQuietAfter);
  world.ring.client_send(record.file, "z");
  world.settle();
  EXPECT_EQ(record.bytes, "yz");
  EXPECT_GT(world.metrics.recv_parked_total, 0U);
}

TEST(ConnectionReceiving, WhoLingersIsDroppedInBothModes) {
  for (const bool busy : {false, true}) {
    TableHarness world;
    Record& record = busy ? world.open_busy() : world.open();
    record.connection->close_when_flushed(seconds(5), world.clock.now());
    for (int i = 0; i < 2 * kBusyInputs; ++i) {
      world.ring.client_send(record.file, "not read any more");
      world.settle();
      EXPECT_EQ(world.ring.unread(record.file), 0U);
    }
    EXPECT_EQ(record.bytes, "");
    world.ring.client_close(record.file);
    world.settle();
    EXPECT_TRUE(record.destroyed);
    EXPECT_EQ(world.metrics.busy_connections, 0U);
  }
}

}  // namespace
}  // namespace millrace

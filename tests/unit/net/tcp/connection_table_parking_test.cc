#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/tcp/connection_table.h"
#include "tests/unit/net/tcp/table_harness.h"

namespace millrace {
namespace {

// --- Receive buffers ----------------------------------------------------------------------------

TEST(ConnectionReceiving, OutOfBuffersParksAndGoesOn) {
  for (const std::uint32_t buffers : {1U, 2U}) {
    TableHarness world({}, buffers, 4);
    Record& a = world.open_busy();
    Record& b = world.open_busy();
    world.ring.client_send(a.file, "aaaabbbbccccdddd");
    world.ring.client_send(b.file, "11112222");
    for (int turn = 0; turn < 12; ++turn) {
      const std::uint64_t before = world.ring.stats().submissions;
      world.turn();
      EXPECT_LE(world.ring.stats().submissions - before, buffers) << "no more than can be filled";
      EXPECT_EQ(world.buffers.leased(), 0U);
    }
    EXPECT_EQ(a.bytes, "aaaabbbbccccdddd");
    EXPECT_EQ(b.bytes, "11112222");
    EXPECT_GT(world.metrics.recv_parked_total, 0U);
    EXPECT_TRUE(world.ring.receive_armed(a.file));
    EXPECT_TRUE(world.ring.receive_armed(b.file));
    const std::uint64_t before = world.ring.stats().submissions;
    world.settle();
    EXPECT_EQ(world.ring.stats().submissions, before) << "quiet is quiet";
  }
}

// With one buffer, who was parked last must not always be first.
TEST(ConnectionReceiving, AFloodDoesNotStarveTheParked) {
  TableHarness world({}, 1, 4);
  Record& flood = world.open_busy();
  Record& quiet = world.open_busy();
  world.ring.client_send(world.open_busy().file, "x");  // has the only buffer
  world.ring.client_send(quiet.file, "hi");
  world.ring.client_send(flood.file, std::string(4'000, 'x'));
  for (int turn = 0; turn < 6; ++turn) world.turn();
  EXPECT_EQ(quiet.bytes, "hi");
  EXPECT_LT(flood.bytes.size(), 4'000U);
  for (int turn = 0; turn < 2'100; ++turn) world.turn();
  EXPECT_EQ(flood.bytes.size(), 4'000U);
}

// Those that are armed first may have nothing to read: nothing but our own turn brings the next.
TEST(ConnectionReceiving, DoesNotSleepWhileSomebodyIsParked) {
  TableHarness world({}, 1, 4);
  Record& first = world.open_busy();
  std::vector<Record*> parked;
  for (int i = 0; i < 5; ++i) {
    Record& record = world.open_busy();
    record.take = [&record](Bytes, Instant) {
      record.connection->pause_reading();
      return 0;
    };
    world.ring.client_send(record.file, "x");
    world.settle();
    // Between its resuming and its receive the only buffer is filled: it is parked, and has nothing
    // to read.
    record.take = [&](Bytes bytes, Instant) {
      if (world.ring.free_buffers() > 0) world.ring.client_send(first.file, "data");
      return bytes.size();
    };
    parked.push_back(&record);
  }
  world.ring.client_send(parked.back()->file, "data");
  for (Record* record : parked) record->connection->resume_reading();
  const auto waits = [&] { return parked.back()->bytes != "xdata"; };
  int turns = 0;
  for (; turns < 20 && waits(); ++turns) {
    world.turn(seconds(1));
    const bool told = !waits() || world.ring.has_events();
    EXPECT_TRUE(told || world.ring.last_timeout() == Duration{}) << "sleeps with work to do";
  }
  EXPECT_LT(turns, 20);
  EXPECT_GE(world.metrics.recv_parked_total, 5U);
  for (turns = 0; turns < 20 && world.ring.last_timeout() != seconds(1); ++turns) {
    world.turn(seconds(1));
  }
  EXPECT_LT(turns, 20) << "spins with nothing to do";
}

TEST(ConnectionReceiving, AParkedConnectionMayCloseAndItsSlotBeTakenAgain) {
  TableHarness world({.capacity = 2}, 1, 4);
  Record& a = world.open();
  world.ring.client_send(a.file, "aaaabbbb");
  world.turn();
  a.connection->terminate(world.clock.now());
  world.settle();
  Record& b = world.open();
  world.ring.client_send(b.file, "ccccdddd");
  world.settle();
  EXPECT_EQ(b.bytes, "ccccdddd");
}

// What is resumed while the resumed are fed must not wait for an event either.
TEST(ConnectionReceiving, DoesNotSleepWhileSomebodyIsToBeFed) {
  TableHarness world;
  Record& a = world.open();
  Record& b = world.open();
  for (Record* record : {&a, &b}) {
    record->take = [record](Bytes, Instant) {
      record->connection->pause_reading();
      return false;
    };
    world.ring.client_send(record->file, "x");
  }
  world.settle();
  b.take = {};
  a.take = [&](Bytes, Instant) {
    b.connection->resume_reading();
    return true;
  };
  a.connection->resume_reading();
  world.turn(seconds(1));
  EXPECT_EQ(world.ring.last_timeout().ns, 0);
  world.turn(seconds(1));
  EXPECT_EQ(b.bytes, "x");
}

}  // namespace
}  // namespace millrace

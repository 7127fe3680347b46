#include "net/tcp/connection_table.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "tests/unit/net/tcp/table_harness.h"

namespace millrace {
namespace {

// --- Sending ------------------------------------------------------------------------------------

TEST(ConnectionTable, WhatIsQueuedInATurnLeavesInOneSend) {
  TableHarness world;
  Record& record = world.open();
  for (const char* text : {"a", "b", "c"}) record.connection->send(shared(text));
  world.turn();
  ASSERT_EQ(world.ring.sends().size(), 1U);
  EXPECT_EQ(world.ring.sends()[0].bytes, "abc");
  EXPECT_EQ(world.metrics.sends_total, 1U);
  world.settle();
  EXPECT_EQ(record.sents, 1);
  EXPECT_EQ(world.metrics.bytes_sent_total, 3U);
}

TEST(ConnectionTable, WhileASendIsInFlightTheRestIsGathered) {
  TableHarness world;
  Record& record = world.open();
  world.ring.set_send_budget(record.file, 0);
  record.connection->send(shared("first"));
  world.turn();
  for (int i = 0; i < 70; ++i) {
    record.connection->send(shared("m"));
    world.turn();
  }
  EXPECT_EQ(world.ring.sends().size(), 1U);
  EXPECT_EQ(world.metrics.queued_bytes, 75U);
  world.ring.clear_send_budget(record.file);
  world.settle();
  ASSERT_EQ(world.ring.sends().size(), 3U);
  EXPECT_EQ(world.ring.sends()[1].views.size(), 64U);
  EXPECT_EQ(world.ring.sends()[2].views.size(), 6U);
  EXPECT_EQ(world.ring.sent(record.file), "first" + std::string(70, 'm'));
  EXPECT_EQ(world.metrics.queued_bytes, 0U);
  EXPECT_EQ(record.sents, 3);
}

TEST(ConnectionTable, ASendMayBeShortAtEveryByte) {
  const std::vector<std::string> messages = {"abcdefgh", "ij", "k", "lmnop"};
  for (std::uint64_t cut = 1; cut < 16; ++cut) {
    TableHarness world;
    Record& record = world.open();
    world.ring.set_send_budget(record.file, cut);
    for (const std::string& message : messages) record.connection->send(shared(message));
    world.settle();
    EXPECT_EQ(world.ring.sent(record.file).size(), cut);
    EXPECT_EQ(world.metrics.queued_bytes, 16 - cut);
    EXPECT_EQ(world.metrics.short_sends_total, 1U);
    EXPECT_EQ(world.metrics.bytes_sent_total, cut);
    world.ring.clear_send_budget(record.file);
    world.settle();
    EXPECT_EQ(world.ring.sent(record.file), "abcdefghijklmnop");
    EXPECT_EQ(record.connection->queued_bytes(), 0U);
  }
}

TEST(ConnectionTable, KeepsTheOrderOverManyGathers) {
  TableHarness world;
  Record& record = world.open();
  std::mt19937 random(5);
  std::string expected;
  for (int step = 0; step < 2'000; ++step) {
    for (std::size_t n = random() % 5; n > 0; --n) {
      const std::string text = std::to_string(step) + std::string(random() % 30, '.') + ";";
      if (record.connection->queued_bytes() + text.size() > 500'000) continue;
      expected += text;
      ASSERT_TRUE(record.connection->send(shared(text)));
    }
    world.ring.set_send_budget(record.file, random() % 100);
    world.turn();
    ASSERT_EQ(world.metrics.queued_bytes, record.connection->queued_bytes());
  }
  world.ring.clear_send_budget(record.file);
  for (int i = 0; i < 400; ++i) world.turn();
  EXPECT_TRUE(world.ring.sent(record.file) == expected);
}

// --- Slow readers -------------------------------------------------------------------------------

TEST(ConnectionTable, TheQueueHasALimit) {
  for (const std::size_t more : {59U, 60U, 61U}) {
    TableHarness world({.queue_bytes = 100});
    Record& record = world.open();
    world.ring.set_send_budget(record.file, 0);
    EXPECT_TRUE(record.connection->send(shared(std::string(40, 'a'))));
    world.turn();
    EXPECT_EQ(record.connection->send(shared(std::string(more, 'b'))), more <= 60);
    EXPECT_EQ(world.metrics.queued_bytes, more <= 60 ? 40 + more : 40);
    world.turn();
    EXPECT_EQ(record.too_slow, more <= 60 ? 0 : 1);
    EXPECT_EQ(world.metrics.slow_disconnects_total, more <= 60 ? 0U : 1U);
  }
}

TEST(ConnectionTable, AnEmptyQueueTakesAMessageOfAnySize) {
  TableHarness world({.queue_bytes = 100});
  Record& record = world.open();
  EXPECT_TRUE(record.connection->send(shared(std::string(5'000, 'a'))));
  world.settle();
  EXPECT_EQ(world.ring.sent(record.file).size(), 5'000U);
}

TEST(ConnectionTable, WhoIsTooSlowGetsALastWordBehindWhatIsInFlight) {
  for (const std::size_t in_flight : {40U, 100U}) {  // even if that alone fills the queue
    TableHarness world({.queue_bytes = 100});
    Record& record = world.open();
    record.when_too_slow = [&](Instant now) {
      record.connection->send_last(shared("bye"));
      record.connection->close_when_flushed(Duration{}, now);
    };
    world.ring.set_send_budget(record.file, 0);
    EXPECT_TRUE(record.connection->send(shared(std::string(in_flight, 'a'))));
    world.turn();
    record.connection->send(shared(std::string(50, 'b')));
    EXPECT_FALSE(record.connection->send(shared(std::string(90, 'c'))));
    EXPECT_FALSE(record.connection->send(shared("d"))) << "it would hide the hole before it";
    world.settle();
    EXPECT_EQ(record.too_slow, 1);
    EXPECT_EQ(world.metrics.queued_bytes, in_flight + 3);
    world.ring.clear_send_budget(record.file);
    world.settle();
    EXPECT_EQ(world.ring.sent(record.file), std::string(in_flight, 'a') + "bye");
    EXPECT_TRUE(record.destroyed);
    EXPECT_EQ(world.metrics.slow_disconnects_total, 1U);
  }
}

TEST(ConnectionTable, ABegunMessageIsFinishedBeforeTheLastWord) {
  TableHarness world({.queue_bytes = 100});
  Record& record = world.open();
  record.when_too_slow = [&](Instant now) {
    record.connection->send_last(shared("bye"));
    record.connection->close_when_flushed(Duration{}, now);
  };
  world.ring.set_send_budget(record.file, 5);
  record.connection->send(shared("aaaaaaaa"));
  record.connection->send(shared("bbbbbbbb"));
  world.turn();
  world.turn();  // the short send ends, and the next one with the rest is stuck
  EXPECT_FALSE(record.connection->send(shared(std::string(100, 'c'))));
  world.settle();
  world.ring.clear_send_budget(record.file);
  world.settle();
  EXPECT_EQ(world.ring.sent(record.file), "aaaaaaaabbbbbbbbbye");
}

// It says goodbye for another reason in the turn in which it is found too slow.
TEST(ConnectionTable, AGoodbyeIsNotEvicted) {
  TableHarness world({.queue_bytes = 100});
  Record& flushing = world.open();
  Record& sealed = world.open();
  for (Record* record : {&flushing, &sealed}) {
    record->connection->send(shared("first,"));
    EXPECT_FALSE(record->connection->send(shared(std::string(100, 'x'))));
    record->connection->send_last(shared("bye"));
  }
  flushing.connection->close_when_flushed(Duration{}, world.clock.now());
  world.settle();
  for (Record* record : {&flushing, &sealed}) {
    EXPECT_EQ(world.ring.sent(record->file), "first,bye");
    EXPECT_EQ(record->too_slow, 0);
  }
  EXPECT_TRUE(flushing.destroyed);
  EXPECT_TRUE(sealed.connection->open());
}

TEST(ConnectionTable, AFlushingConnectionThatOverflowedStillCloses) {
  TableHarness world({.queue_bytes = 10});
  Record& record = world.open();
  record.connection->send(shared("0123456789"));
  EXPECT_FALSE(record.connection->send(shared("x")));
  record.connection->close_when_flushed(Duration{}, world.clock.now());
  world.settle();
  EXPECT_TRUE(record.destroyed);
}

TEST(ConnectionTable, ASendWithoutProgressHasADeadline) {
  TableHarness world({.send_timeout = seconds(10)});
  Record& record = world.open();
  world.ring.set_send_budget(record.file, 0);
  record.connection->send(shared("aaaa"));
  world.settle();
  world.advance(milliseconds(9'990));
  EXPECT_TRUE(record.connection->open());
  world.ring.set_send_budget(record.file, 1);  // progress starts it anew
  world.settle();
  world.advance(milliseconds(9'990));
  EXPECT_TRUE(record.connection->open());
  world.advance(milliseconds(20));
  EXPECT_TRUE(record.destroyed);
  EXPECT_EQ(record.too_slow, 0) << "nobody listens any more";
  EXPECT_EQ(world.metrics.slow_disconnects_total, 1U);
}

TEST(ConnectionTable, AFailedSendCloses) {
  TableHarness world;
  Record& record = world.open();
  world.ring.set_send_budget(record.file, 0);
  record.connection->send(shared("x"));
  world.turn();
  world.ring.fail_send(record.file, IoError::kOther);
  world.settle();
  EXPECT_TRUE(record.destroyed);
}

// --- Slots --------------------------------------------------------------------------------------

TEST(ConnectionTable, WithoutAFreeSlotTheSocketIsClosed) {
  TableHarness world({.capacity = 2});
  Record& a = world.open();
  world.open();
  EXPECT_TRUE(world.adopted());
  world.open();
  EXPECT_FALSE(world.adopted());
  world.settle();
  EXPECT_FALSE(world.ring.is_open(world.last_file()));
  EXPECT_EQ(world.quota.taken(), 2U);
  EXPECT_EQ(world.table.size(), 2U);
  a.connection->terminate(world.clock.now());
  world.settle();
  world.open();
  EXPECT_TRUE(world.adopted());
}

TEST(ConnectionTable, ManySocketsWithoutASlotAreClosedInOneTurn) {
  constexpr int kListener = 7;
  TableHarness world({.capacity = 1});
  world.open();
  std::array<PeerAddress, 3> addresses;
  std::array<FileSlot, 3> files;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    world.ring.submit(Op::accept({OpKind::kAccept, 0, i + 1}, kListener, addresses[i]));
    files[i] = world.ring.connect(kListener);
  }
  world.turn();
  EXPECT_FALSE(world.table.idle());
  world.settle();
  for (const FileSlot file : files) EXPECT_FALSE(world.ring.is_open(file));
  EXPECT_EQ(world.table.size(), 1U);
  EXPECT_EQ(world.quota.taken(), 1U);
}

TEST(ConnectionTable, ASlotIsTakenAgainOnlyAfterItsLastCompletion) {
  TableHarness world({.capacity = 1});
  world.ring.report_cancel_last(true);
  Record& a = world.open();
  world.ring.set_send_budget(a.file, 0);
  a.connection->send(shared("stuck"));
  world.turn();
  const ConnId old = a.id;
  a.connection->terminate(world.clock.now());
  world.open();  // in the turn in which the cancels come back
  EXPECT_FALSE(world.adopted());
  world.settle();
  Record& b = world.open();
  EXPECT_TRUE(world.adopted());
  EXPECT_EQ(b.id.index, old.index);
  EXPECT_NE(b.id.generation, old.generation);
  EXPECT_EQ(world.table.find(old), nullptr);
  EXPECT_EQ(world.table.find_index(old.index), b.connection);
  world.ring.client_send(b.file, "mine");
  world.settle();
  EXPECT_EQ(b.bytes, "mine");
}

TEST(ConnectionTable, IsIdleOnlyWithNothingInTheKernel) {
  TableHarness world({.capacity = 1});
  EXPECT_TRUE(world.table.idle());
  Record& a = world.open();
  a.connection->terminate(world.clock.now());
  EXPECT_FALSE(world.table.idle());
  world.settle();
  EXPECT_TRUE(world.table.idle());
}

}  // namespace
}  // namespace millrace

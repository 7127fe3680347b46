// The in-memory ring must behave like the real one (uring_test.cc has the same scenes) and must
// fail loudly when it is misused.
#include "tests/support/mem_ring.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <memory>

namespace millrace {
namespace {

constexpr int kListener = 5;

class MemRingTest : public ::testing::Test {
 protected:
  void open(std::uint32_t count, std::uint32_t size, std::uint32_t files = 8) {
    ring_.reset();
    buffers_ = std::make_unique<RecvBuffers>(count, size);
    ring_ = std::make_unique<MemRing>(*buffers_, files);
  }
  void SetUp() override { open(4, 16); }

  std::vector<CompletionEvent> reap() {
    std::array<CompletionEvent, 64> events;
    return {events.begin(), events.begin() + static_cast<std::ptrdiff_t>(ring_->reap(events))};
  }
  CompletionEvent only() {
    const std::vector<CompletionEvent> events = reap();
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? CompletionEvent{} : events.front();
  }
  FileSlot connected() {
    ring_->submit(Op::accept(tag(OpKind::kAccept, 999), kListener, peer_));
    const FileSlot file = ring_->connect(kListener);
    EXPECT_EQ(only().result, file.value);
    return file;
  }
  FileSlot receiving(std::uint32_t index = 1) {
    const FileSlot file = connected();
    ring_->submit(Op::recv_multishot(tag(OpKind::kRecv, index), file));
    return file;
  }
  std::string take(const CompletionEvent& event) {
    CHECK(event.buffer.has_value());
    return std::string(buffers_->lease(*event.buffer, event.result).view());
  }
  static OpTag tag(OpKind kind, std::uint32_t index = 1) { return {kind, 7, index}; }

  PeerAddress peer_;
  std::unique_ptr<RecvBuffers> buffers_;
  std::unique_ptr<MemRing> ring_;
};

using MemRingDeathTest = MemRingTest;

TEST_F(MemRingTest, AcceptsInOrderWithThePeersAddress) {
  std::array<PeerAddress, 2> peers;
  ring_->submit(Op::accept(tag(OpKind::kAccept, 0), kListener, peers[0]));
  ring_->submit(Op::accept(tag(OpKind::kAccept, 1), kListener, peers[1]));
  EXPECT_EQ(ring_->pending_accepts(kListener), 2U);
  EXPECT_EQ(ring_->pending_accepts(kListener + 1), 0U);
  const FileSlot first = ring_->connect(kListener, ipv4_peer("10.1.2.3", 4'567));
  const FileSlot second = ring_->connect(kListener, ipv6_peer("2001:db8::1", 80));
  EXPECT_NE(first, second);
  EXPECT_EQ(ring_->open_slots(), 2U);
  const std::vector<CompletionEvent> events = reap();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].tag, tag(OpKind::kAccept, 0));
  EXPECT_EQ(events[0].result, first.value);
  EXPECT_EQ(events[1].result, second.value);
  const auto& four = reinterpret_cast<const sockaddr_in&>(peers[0].storage);
  EXPECT_EQ(four.sin_port, htons(4'567));
  EXPECT_EQ(four.sin_addr.s_addr, htonl(0x0a010203));
  EXPECT_EQ(peers[1].length, sizeof(sockaddr_in6));
}

TEST_F(MemRingTest, AcceptsFailAsTold) {
  open(4, 16, 1);
  const FileSlot file = connected();
  ring_->submit(Op::accept(tag(OpKind::kAccept), kListener, peer_));
  ring_->connect_to_full_table(kListener);
  EXPECT_EQ(only().error, IoError::kTableFull);
  ring_->submit(Op::accept(tag(OpKind::kAccept), kListener, peer_));
  ring_->fail_accept(kListener, IoError::kNoFiles);
  EXPECT_EQ(only().error, IoError::kNoFiles);
  ring_->submit(Op::close(tag(OpKind::kClose), file));
  EXPECT_EQ(only().tag, tag(OpKind::kClose));
  EXPECT_EQ(connected(), file);  // the slot is free again
}

TEST_F(MemRingTest, DeliversInPiecesOfABuffer) {
  const FileSlot file = receiving();
  ring_->client_send(file, "0123456789abcdefXYZ");
  const std::vector<CompletionEvent> events = reap();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_TRUE(events[0].more);
  EXPECT_TRUE(events[1].more);
  EXPECT_EQ(take(events[0]), "0123456789abcdef");
  EXPECT_EQ(take(events[1]), "XYZ");
  EXPECT_EQ(ring_->free_buffers(), 4U);
  ring_->client_close(file);
  const CompletionEvent end = only();
  EXPECT_EQ(end.error, IoError::kNone);
  EXPECT_EQ(end.result, 0U);
  EXPECT_FALSE(end.more);
  EXPECT_FALSE(end.buffer.has_value());
  EXPECT_FALSE(ring_->receive_armed(file));
}

TEST_F(MemRingTest, WhatCameBeforeTheReceiveWaitsForIt) {
  const FileSlot file = connected();
  ring_->client_send(file, "early");
  ring_->client_close(file);
  EXPECT_TRUE(reap().empty());
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), file));
  const std::vector<CompletionEvent> events = reap();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(take(events[0]), "early");
  EXPECT_EQ(events[1].result, 0U);
}

TEST_F(MemRingTest, RunsOutOfBuffersAndGoesOnWhenOneIsBack) {
  open(1, 16);
  const FileSlot file = receiving();
  ring_->client_send(file, "first");
  const CompletionEvent first = only();
  RecvBuffers::Lease held = buffers_->lease(*first.buffer, first.result);
  ring_->client_send(file, "second");
  const CompletionEvent empty = only();
  EXPECT_EQ(empty.error, IoError::kNoBuffers);
  EXPECT_FALSE(empty.more);
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), file));  // no buffer: ends at once
  EXPECT_EQ(only().error, IoError::kNoBuffers);
  held = {};
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), file));
  EXPECT_EQ(take(only()), "second");
}

TEST_F(MemRingTest, AReceiveMayEndWithAPiece) {
  const FileSlot file = receiving();
  ring_->end_with_next(file);
  ring_->client_send(file, "last");
  const CompletionEvent event = only();
  EXPECT_FALSE(event.more);
  EXPECT_EQ(take(event), "last");
  ring_->client_send(file, "next");
  EXPECT_TRUE(reap().empty());
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), file));
  EXPECT_EQ(take(only()), "next");
}

TEST_F(MemRingTest, AResetEndsReceiveAndSend) {
  const FileSlot file = receiving();
  ring_->set_send_budget(file, 0);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "stuck"));
  ring_->client_reset(file);
  const std::vector<CompletionEvent> events = reap();
  ASSERT_EQ(events.size(), 2U);
  for (const CompletionEvent& event : events) EXPECT_EQ(event.error, IoError::kDisconnect);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "late"));
  EXPECT_EQ(only().error, IoError::kDisconnect);
  EXPECT_EQ(ring_->sent(file), "");
}

TEST_F(MemRingTest, RecordsTheBytesAndWhereTheyAre) {
  const FileSlot first = connected();
  const FileSlot second = connected();
  std::string header = "head";
  std::string shared = "shared payload";
  std::array<iovec, 2> vectors{iovec{header.data(), header.size()},
                               iovec{shared.data(), shared.size()}};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  ring_->submit(Op::send_gather(tag(OpKind::kSend, 1), first, message));
  ring_->submit(Op::send(tag(OpKind::kSend, 2), second, shared));
  const std::vector<CompletionEvent> events = reap();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].result, header.size() + shared.size());
  EXPECT_EQ(events[1].result, shared.size());
  ASSERT_EQ(ring_->sends().size(), 2U);
  EXPECT_EQ(ring_->sends()[0].views[1].data(), shared.data());
  EXPECT_EQ(ring_->sends()[1].views[0].data(), shared.data());
  EXPECT_EQ(ring_->sends()[0].bytes, header + shared);
  EXPECT_EQ(ring_->sends()[0].accepted, header.size() + shared.size());
  EXPECT_EQ(ring_->sends()[1].file, second);
  EXPECT_EQ(ring_->take_sent(first), header + shared);
  EXPECT_EQ(ring_->sent(first), "");
  ring_->clear_sends();
  EXPECT_TRUE(ring_->sends().empty());
}

TEST_F(MemRingTest, ABudgetCutsASendShortAndHoldsTheNext) {
  const FileSlot file = connected();
  ring_->set_send_budget(file, 4);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "0123456789"));
  EXPECT_EQ(only().result, 4U);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "456789"));
  EXPECT_TRUE(reap().empty());
  EXPECT_TRUE(ring_->send_stuck(file));
  ring_->set_send_budget(file, 2);
  EXPECT_EQ(only().result, 2U);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "6789"));
  EXPECT_TRUE(ring_->send_stuck(file));
  ring_->complete_send(file, 1);
  EXPECT_EQ(only().result, 1U);
  EXPECT_EQ(ring_->sends().back().accepted, 1U);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "789"));
  ring_->clear_send_budget(file);
  EXPECT_EQ(only().result, 3U);
  EXPECT_EQ(ring_->sent(file), "0123456789");
}

TEST_F(MemRingTest, AStuckSendFailsAsTold) {
  const FileSlot file = connected();
  ring_->set_send_budget(file, 0);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "stuck"));
  ring_->fail_send(file, IoError::kNoMemory);
  EXPECT_EQ(only().error, IoError::kNoMemory);
  EXPECT_FALSE(ring_->send_stuck(file));
}

TEST_F(MemRingTest, CancelEndsWhatIsArmedAndSaysSo) {
  const FileSlot file = receiving();
  ring_->set_send_budget(file, 0);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "stuck"));
  ring_->submit(Op::accept(tag(OpKind::kAccept), kListener, peer_));
  ring_->submit(Op::cancel(tag(OpKind::kCancel), tag(OpKind::kRecv)));
  ring_->submit(Op::cancel(tag(OpKind::kCancel), tag(OpKind::kSend)));
  ring_->report_cancel_last(true);
  ring_->submit(Op::cancel(tag(OpKind::kCancelAccept), tag(OpKind::kAccept)));
  const std::vector<CompletionEvent> events = reap();
  ASSERT_EQ(events.size(), 6U);
  const std::array kinds = {OpKind::kCancel, OpKind::kRecv,   OpKind::kCancel,
                            OpKind::kSend,   OpKind::kAccept, OpKind::kCancelAccept};
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].tag.kind, kinds[i]) << i;
    const bool is_cancel = kinds[i] == OpKind::kCancel || kinds[i] == OpKind::kCancelAccept;
    EXPECT_EQ(events[i].error, is_cancel ? IoError::kNone : IoError::kCanceled) << i;
    EXPECT_FALSE(events[i].more);
  }
  EXPECT_EQ(ring_->pending_accepts(kListener), 0U);
  EXPECT_EQ(ring_->in_flight(), 0U);
  ring_->submit(Op::close(tag(OpKind::kClose), file));
  EXPECT_EQ(ring_->open_slots(), 0U);
}

TEST_F(MemRingTest, CancelOfWhatHasEndedOrNeverWasFindsNothing) {
  const FileSlot file = connected();
  ring_->submit(Op::send(tag(OpKind::kSend), file, "done"));
  ring_->submit(Op::cancel(tag(OpKind::kCancel), tag(OpKind::kSend)));  // its event is queued
  ring_->submit(Op::cancel(tag(OpKind::kCancel), tag(OpKind::kRecv)));
  const std::vector<CompletionEvent> events = reap();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].error, IoError::kNone);
  EXPECT_EQ(events[1].error, IoError::kNotFound);
  EXPECT_EQ(events[2].error, IoError::kNotFound);
}

TEST_F(MemRingTest, WakesAndCounts) {
  EXPECT_FALSE(ring_->woken());
  ring_->wake();
  ring_->wake();
  EXPECT_TRUE(ring_->woken());
  ring_->wait(milliseconds(5));
  EXPECT_FALSE(ring_->woken());
  EXPECT_EQ(ring_->last_timeout(), milliseconds(5));
  EXPECT_EQ(ring_->stats().wakes, 1U);
  static_cast<void>(connected());
  EXPECT_EQ(ring_->stats().submissions, 1U);
  EXPECT_EQ(ring_->stats().completions, 1U);
}

TEST_F(MemRingTest, ReapTakesNoMoreThanIsAskedFor) {
  for (std::uint32_t i = 0; i < 3; ++i) {
    ring_->submit(Op::cancel(tag(OpKind::kCancel, i), tag(OpKind::kRecv, i)));
  }
  std::array<CompletionEvent, 2> events;
  EXPECT_EQ(ring_->reap(events), 2U);
  EXPECT_EQ(ring_->reap(events), 1U);
  EXPECT_EQ(ring_->reap(events), 0U);
}

TEST_F(MemRingDeathTest, OperationsOnAClosedSocket) {
  const FileSlot file = connected();
  ring_->submit(Op::close(tag(OpKind::kClose), file));
  EXPECT_DEATH(ring_->submit(Op::send(tag(OpKind::kSend), file, "x")), "is_open");
  EXPECT_DEATH(ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), file)), "is_open");
  EXPECT_DEATH(ring_->submit(Op::close(tag(OpKind::kClose, 2), file)), "is_open");
  EXPECT_DEATH(ring_->client_send(file, "x"), "is_open");
}

TEST_F(MemRingDeathTest, TwoOfAKindOnOneSocketOrOneTag) {
  const FileSlot file = receiving();
  EXPECT_DEATH(ring_->submit(Op::recv_multishot(tag(OpKind::kRecv, 2), file)), "CHECK failed");
  ring_->set_send_budget(file, 0);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "x"));
  EXPECT_DEATH(ring_->submit(Op::send(tag(OpKind::kSend, 2), file, "y")), "CHECK failed");
  const FileSlot other = connected();
  EXPECT_DEATH(ring_->submit(Op::send(tag(OpKind::kSend), other, "y")), "contains");
}

TEST_F(MemRingDeathTest, CloseBeforeTheLastEvent) {
  const FileSlot file = receiving();
  EXPECT_DEATH(ring_->submit(Op::close(tag(OpKind::kClose), file)), "CHECK failed");
  ring_->client_close(file);  // ended, but the owner has not seen it yet
  EXPECT_DEATH(ring_->submit(Op::close(tag(OpKind::kClose), file)), "CHECK failed");
  static_cast<void>(reap());
  ring_->submit(Op::send(tag(OpKind::kSend), file, "x"));
  EXPECT_DEATH(ring_->submit(Op::close(tag(OpKind::kClose), file)), "CHECK failed");
  static_cast<void>(reap());
  ring_->submit(Op::close(tag(OpKind::kClose), file));
  EXPECT_EQ(only().error, IoError::kNone);
}

TEST_F(MemRingDeathTest, MemoryThatChangesInFlight) {
  const FileSlot file = connected();
  std::string bytes = "bytes";
  ring_->submit(Op::send(tag(OpKind::kSend), file, bytes));
  EXPECT_DEATH(
      {
        bytes[0] = 'B';
        static_cast<void>(reap());
      },
      "CHECK failed");
  iovec vector{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  EXPECT_EQ(reap().size(), 1U);
  ring_->submit(Op::send_gather(tag(OpKind::kSend), file, message));
  EXPECT_DEATH(
      {
        vector.iov_len = 1;
        static_cast<void>(reap());
      },
      "CHECK failed");
  EXPECT_EQ(reap().size(), 1U);
  ring_->submit(Op::accept(tag(OpKind::kAccept), kListener, peer_));
  static_cast<void>(ring_->connect(kListener));
  EXPECT_DEATH(
      {
        peer_.length = 1;
        static_cast<void>(reap());
      },
      "CHECK failed");
}

TEST_F(MemRingDeathTest, PeersThatCannotBe) {
  EXPECT_DEATH(static_cast<void>(ring_->connect(kListener)), "CHECK failed");
  const FileSlot file = connected();
  EXPECT_DEATH(ring_->complete_send(file, 1), "send_stuck");
  ring_->set_send_budget(file, 0);
  ring_->submit(Op::send(tag(OpKind::kSend), file, "four"));
  EXPECT_DEATH(ring_->complete_send(file, 5), "CHECK failed");
  EXPECT_DEATH(ring_->complete_send(file, 0), "CHECK failed");
  ring_->client_close(file);
  EXPECT_DEATH(ring_->client_send(file, "after the end"), "CHECK failed");
  EXPECT_DEATH(ring_->provide_buffer(0), "CHECK failed");
}

}  // namespace
}  // namespace millrace

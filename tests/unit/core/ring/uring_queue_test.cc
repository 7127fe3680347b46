// The ring's queues, buffers, wake-ups and its end. Sockets are in uring_test.cc, its start in
// uring_start_test.cc.
#include <linux/io_uring.h>

#include <set>
#include <thread>

#include "core/ring/uring.h"
#include "core/time/clock.h"
#include "tests/support/seccomp.h"
#include "tests/unit/core/ring/uring_fixture.h"

namespace millrace {
namespace {

class UringQueueTest : public UringFixture {
 protected:
  // Cancels of nothing: operations that need no socket. Each ends with kNotFound.
  void submit_cancels(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      ring_->submit(Op::cancel(tag(OpKind::kCancel, i), tag(OpKind::kRecv, i)));
    }
  }
  static void expect_one_event_each(const std::vector<CompletionEvent>& events,
                                    std::uint32_t count) {
    EXPECT_EQ(events.size(), count);
    std::set<std::uint32_t> seen;
    for (const CompletionEvent& event : events) {
      EXPECT_EQ(event.error, IoError::kNotFound);
      EXPECT_FALSE(event.more);
      seen.insert(event.tag.index);
    }
    EXPECT_EQ(seen.size(), count);
  }

  // Linux 6.1 looks for the next buffer before it knows of bytes to put there, so that the receive
  // which took the last one ends at once. Later kernels leave it armed.
  bool still_armed(std::uint32_t index) {
    for (int i = 0; i < 3; ++i) {
      ring_->wait(milliseconds(20));
      CompletionEvent event;
      if (ring_->reap({&event, 1}) == 0) continue;
      EXPECT_EQ(event.tag.index, index);
      EXPECT_EQ(event.error, IoError::kNoBuffers);
      EXPECT_FALSE(event.more);
      return false;
    }
    return true;
  }
};

INSTANTIATE_TEST_SUITE_P(Sockets, UringQueueTest, UringFixture::places(), UringFixture::place_name);

constexpr UringOptions kTiny{.submission_entries = 8, .completion_entries = 1'024, .files = 64};

TEST_P(UringQueueTest, TakesMoreThanTheSubmissionQueueHolds) {
  open(kTiny, 16, 4'096);
  submit_cancels(8);  // L
  EXPECT_EQ(ring_->stats().queue_full, 0U);
  submit_cancels(1);  // L + 1
  EXPECT_EQ(ring_->stats().queue_full, 1U);
  ASSERT_EQ(collect(9).size(), 9U);
  submit_cancels(100);
  EXPECT_GE(ring_->stats().queue_full, 11U);
  expect_one_event_each(collect(100), 100);
  EXPECT_EQ(ring_->stats().submissions, 109U);
  EXPECT_EQ(ring_->stats().completions, 109U);
}

// The kernel refuses every submit that does not also ask for completions, so that the queue stays
// full and the rest must wait in the backlog, in order.
TEST_P(UringQueueTest, WhatTheKernelRefusesWaitsInOrder) {
  ring_.reset();  // the filter stays with its thread, and a ring must too
  std::thread([this] {
    open(kTiny, 16, 4'096);
    if (HasFatalFailure()) return;
    refuse_on_this_thread({.number = SYS_io_uring_enter,
                           .error = EBUSY,
                           .argument = 3,
                           .mask = IORING_ENTER_GETEVENTS,
                           .value = 0});
    submit_cancels(100);
    EXPECT_EQ(ring_->stats().submissions, 8U);
    ring_->wait(Duration{});
    EXPECT_EQ(ring_->stats().submissions, 100U);
    const std::vector<CompletionEvent> events = collect(100);
    expect_one_event_each(events, 100);
    for (std::uint32_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].tag.index, i);
    ring_.reset();
  }).join();
}

TEST_P(UringQueueTest, AKernelThatTakesNothingIsLeftAloneNotSpunOn) {
  ring_.reset();  // the filter stays with its thread, and a ring must too
  std::thread([this] {
    open(kTiny, 16, 4'096);
    if (HasFatalFailure()) return;
    refuse_on_this_thread({.number = SYS_io_uring_enter, .error = EAGAIN});
    submit_cancels(100);
    MonotonicClock clock;
    const Instant start = clock.now();
    for (int i = 0; i < 10; ++i) ring_->wait(seconds(10));
    EXPECT_GE((clock.now() - start).to_ms(), 9);
    EXPECT_LT((clock.now() - start).to_seconds(), 5);
    EXPECT_EQ(ring_->stats().submissions, 8U);
    EXPECT_LE(ring_->stats().enters, 60U);
    ring_.reset();
  }).join();
}

TEST_P(UringQueueTest, AnOverflownCompletionQueueLosesNothing) {
  open({.submission_entries = 8, .completion_entries = 16, .files = 8}, 1, 64);
  submit_cancels(100);
  ring_->wait(Duration{});
  ring_->wait(Duration{});
  EXPECT_GE(ring_->stats().overflows, 1U);
  expect_one_event_each(collect(100), 100);
  const std::uint64_t overflows = ring_->stats().overflows;
  ring_->wait(Duration{});
  EXPECT_EQ(ring_->stats().overflows, overflows);
}

TEST_P(UringQueueTest, ReapTakesNoMoreThanIsAskedFor) {
  submit_cancels(5);
  ring_->wait(Duration{});
  std::array<CompletionEvent, 3> events;
  EXPECT_EQ(ring_->reap({events.data(), 0}), 0U);
  EXPECT_EQ(ring_->reap(events), 3U);
  EXPECT_EQ(ring_->reap(events), 2U);
  EXPECT_EQ(ring_->reap(events), 0U);
}

TEST_P(UringQueueTest, AZeroTimeoutStillRunsWhatTheKernelDeferred) {
  const Pair pair = connected();
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), pair.file));
  ring_->wait(Duration{});
  write_all(pair.client, "deferred");
  CompletionEvent event;
  std::size_t taken = 0;
  for (int i = 0; i < 1'000 && taken == 0; ++i) {
    ring_->wait(Duration{});
    taken = ring_->reap({&event, 1});
  }
  ASSERT_EQ(taken, 1U);
  EXPECT_EQ(take(event), "deferred");
}

TEST_P(UringQueueTest, AnEventAtHandDoesNotHideWhatTheKernelDeferred) {
  const Pair pair = connected();
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), pair.file));
  submit_cancels(1);
  ring_->wait(Duration{});
  write_all(pair.client, "behind it");
  ring_->wait(seconds(10));
  std::array<CompletionEvent, 4> events;
  ASSERT_EQ(ring_->reap(events), 2U);
  EXPECT_EQ(events[0].tag.kind, OpKind::kCancel);
  EXPECT_EQ(take(events[1]), "behind it");
}

TEST_P(UringQueueTest, WaitsAsLongAsItIsTold) {
  MonotonicClock clock;
  const Instant start = clock.now();
  ring_->wait(milliseconds(50));
  const Duration waited = clock.now() - start;
  EXPECT_GE(waited.to_ms(), 49);
  EXPECT_LT(waited.to_ms(), 5'000);
}

TEST_P(UringQueueTest, OneBufferRunsOutAndWorksAgainWhenItIsBack) {
  open(kSmall, 1, 64);
  const Pair pair = connected();
  const OpTag receive = tag(OpKind::kRecv);
  ring_->submit(Op::recv_multishot(receive, pair.file));
  write_all(pair.client, "first");
  const CompletionEvent first = next();
  ASSERT_TRUE(first.buffer.has_value());
  RecvBuffers::Lease held = buffers_->lease(*first.buffer, first.result);
  EXPECT_EQ(held.view(), "first");
  write_all(pair.client, "second");
  if (first.more) {
    const CompletionEvent empty = next();
    EXPECT_EQ(empty.error, IoError::kNoBuffers);
    EXPECT_FALSE(empty.more);
    EXPECT_FALSE(empty.buffer.has_value());
  }
  // Armed while there is still none, it ends at once again.
  ring_->submit(Op::recv_multishot(receive, pair.file));
  EXPECT_EQ(next().error, IoError::kNoBuffers);
  EXPECT_EQ(held.view(), "first");

  held = {};
  ring_->submit(Op::recv_multishot(receive, pair.file));
  EXPECT_EQ(take(next()), "second");
  EXPECT_EQ(buffers_->leased(), 0U);
  EXPECT_EQ(buffers_->high_water(), 1U);
}

TEST_P(UringQueueTest, TwoBuffersGoToTwoConnectionsAndTheThirdFindsNone) {
  open(kSmall, 2, 64);
  std::vector<Pair> pairs;
  for (std::uint32_t i = 0; i < 3; ++i) {
    pairs.push_back(connected());
    ring_->submit(Op::recv_multishot(tag(OpKind::kRecv, i), pairs[i].file));
  }
  ASSERT_TRUE(quiet());
  std::vector<RecvBuffers::Lease> held;
  for (std::uint32_t i = 0; i < 2; ++i) {
    write_all(pairs[i].client, "held");
    const CompletionEvent event = next();
    ASSERT_EQ(event.tag.index, i);
    ASSERT_TRUE(event.buffer.has_value());
    held.push_back(buffers_->lease(*event.buffer, event.result));
  }
  still_armed(1);
  write_all(pairs[2].client, "late");
  const CompletionEvent empty = next();
  EXPECT_EQ(empty.tag.index, 2U);
  EXPECT_EQ(empty.error, IoError::kNoBuffers);
  held.pop_back();
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv, 2), pairs[2].file));
  EXPECT_EQ(take(next()), "late");
  const bool armed = still_armed(2);
  held.clear();
  if (!armed) ring_->submit(Op::recv_multishot(tag(OpKind::kRecv, 2), pairs[2].file));
  // Every buffer is back: many times around the ring of two.
  for (int i = 0; i < 50; ++i) {
    write_all(pairs[2].client, "again");
    const CompletionEvent event = next();
    ASSERT_EQ(event.error, IoError::kNone) << "round " << i;
    EXPECT_EQ(take(event), "again");
    if (!event.more) ring_->submit(Op::recv_multishot(tag(OpKind::kRecv, 2), pairs[2].file));
  }
}

TEST_P(UringQueueTest, AWakeFromAnotherThreadEndsAWait) {
  MonotonicClock clock;
  for (std::uint64_t round = 1; round <= 20; ++round) {
    const Instant start = clock.now();
    std::thread waker([this] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      ring_->wake();
    });
    ring_->wait(seconds(30));
    EXPECT_LT((clock.now() - start).to_seconds(), 10);
    CompletionEvent event;
    EXPECT_EQ(ring_->reap({&event, 1}), 0U);  // no business of the shard's
    waker.join();
    EXPECT_EQ(ring_->stats().wakes, round);
  }
  EXPECT_EQ(ring_->stats().completions, 0U);
}

TEST_P(UringQueueTest, AWakeBeforeTheWaitIsNotLostAndWakesCoalesce) {
  MonotonicClock clock;
  std::thread([this] {
    for (int i = 0; i < 5; ++i) ring_->wake();
  }).join();
  const Instant start = clock.now();
  ring_->wait(seconds(30));
  EXPECT_LT((clock.now() - start).to_seconds(), 10);
  CompletionEvent event;
  EXPECT_EQ(ring_->reap({&event, 1}), 0U);
  EXPECT_EQ(ring_->stats().wakes, 1U);
  EXPECT_TRUE(quiet());
}

TEST_P(UringQueueTest, GoesWithEverythingArmedAndLeavesNothing) {
  const std::size_t before = open_descriptors();
  {
    std::vector<Pair> pairs;
    const std::string much(64U << 20, 'x');
    PeerAddress peer;
    for (std::uint32_t i = 0; i < 4; ++i) {
      pairs.push_back(connected());
      ring_->submit(Op::recv_multishot(tag(OpKind::kRecv, i), pairs[i].file));
    }
    ring_->submit(Op::accept(tag(OpKind::kAccept), listener_.get(), peer));
    ring_->submit(Op::send(tag(OpKind::kSend), pairs[3].file, much));
    ASSERT_EQ(next().error, IoError::kNone);
    ring_->submit(Op::send(tag(OpKind::kSend), pairs[3].file, much));
    ring_->wait(milliseconds(20));
    ring_->submit(Op::close(tag(OpKind::kClose), pairs[0].file));  // and one not yet handed over
    ring_.reset();
    // At once, not when the kernel gets round to it.
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(readable(pairs[i].client, 0));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(closed_by_peer(pairs[i].client));
  }
  EXPECT_EQ(open_descriptors(), before - 2);  // the ring's and its eventfd
}

TEST_P(UringQueueTest, WhatWasNotHandedOverIsNotDoneAtTheEnd) {
  const std::size_t before = open_descriptors();
  {
    const Pair told = connected();
    const Pair closed = connected();
    ring_->submit(Op::send(tag(OpKind::kSend), told.file, "too late"));
    ring_->submit(Op::close(tag(OpKind::kClose), closed.file));
    ring_->submit(Op::send(tag(OpKind::kSend, 2), told.file, "too late"));
    ring_.reset();
    EXPECT_EQ(read_bytes(told.client, 8), "");
    EXPECT_TRUE(closed_by_peer(told.client));
    EXPECT_TRUE(closed_by_peer(closed.client));
  }
  EXPECT_EQ(open_descriptors(), before - 2);
}

TEST_P(UringQueueTest, AConnectionThatCameInAtTheEndIsClosedToo) {
  const std::size_t before = open_descriptors();
  PeerAddress peer;
  ring_->submit(Op::accept(tag(OpKind::kAccept), listener_.get(), peer));
  {
    const Fd client = connect_to(listener_);
    ring_->wait(seconds(5));  // and nobody reaps
    ring_.reset();
    EXPECT_TRUE(readable(client, 0));
    EXPECT_TRUE(closed_by_peer(client));
  }
  EXPECT_EQ(open_descriptors(), before - 2);
}

TEST_P(UringQueueTest, ALeaseMayOutliveTheRing) {
  const Pair pair = connected();
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), pair.file));
  write_all(pair.client, "kept");
  const CompletionEvent event = next();
  RecvBuffers::Lease held = buffers_->lease(*event.buffer, event.result);
  ring_.reset();
  EXPECT_EQ(held.view(), "kept");
  held = {};
  EXPECT_EQ(buffers_->leased(), 0U);
}

}  // namespace
}  // namespace millrace

// The polls of the in-memory ring and the receives that follow them; uring_client_test.cc has the
// same scenes on a kernel.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/support/mem_ring.h"

namespace millrace {
namespace {

constexpr int kListener = 5;

class MemRingPoll : public ::testing::Test {
 protected:
  std::vector<CompletionEvent> reap() {
    std::array<CompletionEvent, 64> events;
    return {events.begin(), events.begin() + static_cast<std::ptrdiff_t>(ring_.reap(events))};
  }
  CompletionEvent only() {
    const std::vector<CompletionEvent> events = reap();
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? CompletionEvent{} : events.front();
  }
  FileSlot connected() {
    ring_.submit(Op::accept(tag(OpKind::kAccept, 999), kListener, peer_));
    const FileSlot file = ring_.connect(kListener);
    EXPECT_EQ(only().result, file.value);
    return file;
  }
  FileSlot polled() {
    const FileSlot file = connected();
    poll(file);
    return file;
  }
  void poll(FileSlot file, std::uint32_t index = 1) {
    ring_.submit(Op::poll_multishot(tag(OpKind::kPoll, index), file));
  }
  CompletionEvent receive(FileSlot file) {
    ring_.submit(Op::recv_ready(tag(OpKind::kRecv), file));
    const CompletionEvent event = only();
    EXPECT_EQ(event.tag, tag(OpKind::kRecv));
    EXPECT_FALSE(event.more);
    return event;
  }
  std::string take(const CompletionEvent& event) {
    CHECK(event.buffer.has_value());
    return std::string(buffers_.lease(*event.buffer, event.result).view());
  }
  void expect_told(const CompletionEvent& event, bool more, bool ending) {
    EXPECT_EQ(event.tag, tag(OpKind::kPoll));
    EXPECT_EQ(event.error, IoError::kNone);
    EXPECT_EQ(event.more, more);
    EXPECT_EQ(event.ending, ending);
    EXPECT_FALSE(event.buffer);
  }
  static OpTag tag(OpKind kind, std::uint32_t index = 1) { return {kind, 7, index}; }

  PeerAddress peer_;
  RecvBuffers buffers_{2, 16};
  MemRing ring_{buffers_, 8};
};

using MemRingPollDeathTest = MemRingPoll;

TEST_F(MemRingPoll, TellsOfEachInputOnceAndOfTheEnd) {
  const FileSlot file = polled();
  EXPECT_TRUE(reap().empty());
  ring_.client_send(file, "one");
  expect_told(only(), true, false);
  EXPECT_TRUE(reap().empty()) << "what is left unread is not told again";
  ring_.client_send(file, "two");
  expect_told(only(), true, false);
  EXPECT_EQ(ring_.unread(file), 6U);
  ring_.client_close(file);
  expect_told(only(), true, true);
  EXPECT_EQ(take(receive(file)), "onetwo");
  EXPECT_EQ(ring_.unread(file), 0U);
  EXPECT_EQ(receive(file).result, 0U);
}

TEST_F(MemRingPoll, TellsOfWhatWasThereBefore) {
  for (const int what : {0, 1, 2}) {
    const FileSlot file = connected();
    if (what == 0) ring_.client_send(file, "x");
    if (what == 1) ring_.client_close(file);
    if (what == 2) ring_.client_reset(file);
    poll(file, file.value);
    const CompletionEvent event = only();
    EXPECT_TRUE(event.more);
    EXPECT_EQ(event.ending, what > 0);
  }
}

TEST_F(MemRingPoll, EndsWithItsNextEventWhereItIsTold) {
  const FileSlot file = polled();
  ring_.end_with_next(file);
  ring_.client_send(file, "x");
  expect_told(only(), false, false);
  EXPECT_FALSE(ring_.poll_armed(file));
  ring_.client_send(file, "y");
  EXPECT_TRUE(reap().empty());
  poll(file);
  expect_told(only(), true, false);
}

TEST_F(MemRingPoll, IsCancelledByItsTagAndFailsAsTold) {
  const FileSlot file = polled();
  ring_.submit(Op::cancel(tag(OpKind::kCancelPoll), tag(OpKind::kPoll)));
  const std::vector<CompletionEvent> events = reap();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].tag, tag(OpKind::kCancelPoll));
  EXPECT_EQ(events[1].error, IoError::kCanceled);
  EXPECT_FALSE(events[1].more);
  poll(file);
  ring_.fail_poll(file, IoError::kNoMemory);
  EXPECT_EQ(only().error, IoError::kNoMemory);
  EXPECT_FALSE(ring_.poll_armed(file));
}

TEST_F(MemRingPoll, AReceiveOfWhatIsReadyNeverWaits) {
  const FileSlot file = connected();
  const CompletionEvent nothing = receive(file);
  EXPECT_EQ(nothing.error, IoError::kAgain);
  EXPECT_FALSE(nothing.buffer);
  ring_.client_send(file, "0123456789abcdefXYZ");
  EXPECT_TRUE(reap().empty());
  EXPECT_EQ(take(receive(file)), "0123456789abcdef");
  EXPECT_EQ(take(receive(file)), "XYZ");
  ring_.client_reset(file);
  EXPECT_EQ(receive(file).error, IoError::kDisconnect);
}

TEST_F(MemRingPoll, AReceiveOfWhatIsReadyNeedsABufferFirst) {
  const FileSlot file = connected();
  ring_.client_send(file, std::string(40, 'x'));
  const CompletionEvent first = receive(file);
  const RecvBuffers::Lease one = buffers_.lease(*first.buffer, first.result);
  const CompletionEvent second = receive(file);
  const RecvBuffers::Lease two = buffers_.lease(*second.buffer, second.result);
  EXPECT_EQ(receive(file).error, IoError::kNoBuffers);
  EXPECT_EQ(ring_.unread(file), 8U);
}

TEST_F(MemRingPollDeathTest, IsStrict) {
  const FileSlot file = polled();
  EXPECT_DEATH(poll(file, 2), "op.file") << "two polls on a socket";
  EXPECT_DEATH(ring_.submit(Op::close(tag(OpKind::kClose), file)), "op.file");
  ring_.submit(Op::recv_multishot(tag(OpKind::kRecv), file));
  EXPECT_DEATH(ring_.submit(Op::recv_ready(tag(OpKind::kRecv, 2), file)), "op.file");
  EXPECT_DEATH(poll(FileSlot{file.value + 1}, 3), "is_open");
}

}  // namespace
}  // namespace millrace

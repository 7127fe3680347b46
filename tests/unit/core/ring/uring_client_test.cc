// What quiet connections and clients ask of the ring: polls, receives that never wait, connects.
#include "tests/unit/core/ring/uring_fixture.h"

namespace millrace {
namespace {

class UringClientTest : public UringFixture {
 protected:
  // A socket of the process, moved into the ring.
  FileSlot taken() {
    socket_.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ring_->submit(Op::take_socket(tag(OpKind::kTakeSocket), socket_));
    const CompletionEvent event = next();
    EXPECT_EQ(event.error, IoError::kNone);
    EXPECT_EQ(event.tag.kind, OpKind::kTakeSocket);
    EXPECT_EQ(socket_.fd >= 0, GetParam());  // a descriptor of the process stays the only one
    if (socket_.fd >= 0) ::close(socket_.fd);
    return FileSlot{static_cast<std::uint32_t>(socket_.number)};
  }
  PeerAddress address_of(const Fd& listener) {
    PeerAddress to;
    CHECK_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&to.storage), &to.length),
             0);
    return to;
  }

  // Polls until an event tells of the end.
  void wait_for_end(FileSlot file) {
    ring_->submit(Op::poll_multishot(tag(OpKind::kPoll), file));
    for (bool ended = false; !ended;) {
      const CompletionEvent event = next();
      ASSERT_EQ(event.tag.kind, OpKind::kPoll);
      ASSERT_TRUE(event.more);
      ended = event.ending;
    }
  }

  TakenSocket socket_;
};
INSTANTIATE_TEST_SUITE_P(Sockets, UringClientTest, UringFixture::places(),
                         UringFixture::place_name);

TEST_P(UringClientTest, APollTellsOfEachInputAndTheEnd) {
  Pair pair = connected();
  write_all(pair.client, "before");
  ring_->submit(Op::poll_multishot(tag(OpKind::kPoll), pair.file));
  ring_->submit(Op::recv_ready(tag(OpKind::kRecv), pair.file));
  std::string got;
  for (const CompletionEvent& event : collect(2)) {
    EXPECT_EQ(event.error, IoError::kNone);
    EXPECT_EQ(event.more, event.tag.kind == OpKind::kPoll);
    if (event.buffer) got = take(event);
  }
  EXPECT_EQ(got, "before");
  EXPECT_TRUE(quiet());
  write_all(pair.client, "later");
  const CompletionEvent later = next();
  EXPECT_EQ(later.tag.kind, OpKind::kPoll);
  EXPECT_FALSE(later.ending);
  ring_->submit(Op::recv_ready(tag(OpKind::kRecv), pair.file));
  EXPECT_EQ(take(next()), "later");
  pair.client.close();
  const CompletionEvent told = next();
  EXPECT_EQ(told.tag.kind, OpKind::kPoll);
  EXPECT_TRUE(told.ending);
  ring_->submit(Op::recv_ready(tag(OpKind::kRecv), pair.file));
  const CompletionEvent end = next();
  EXPECT_EQ(end.error, IoError::kNone);
  EXPECT_EQ(end.result, 0U);
}

// One event tells of bytes and what is behind them; the receive of the bytes says nothing of it.
TEST_P(UringClientTest, APollTellsOfTheEndBehindBytes) {
  for (const bool resets : {false, true}) {
    Pair pair = connected();
    write_all(pair.client, "last words");
    resets ? reset(pair.client) : pair.client.close();
    wait_for_end(pair.file);
    ring_->submit(Op::recv_ready(tag(OpKind::kRecv), pair.file));
    const CompletionEvent words = next();
    if (words.buffer) {
      EXPECT_EQ(take(words), "last words");
      ring_->submit(Op::recv_ready(tag(OpKind::kRecv), pair.file));
      EXPECT_EQ(next().error, resets ? IoError::kDisconnect : IoError::kNone);
    } else {
      EXPECT_TRUE(resets) << "a reset may drop what was not read";
    }
    ring_->submit(Op::cancel(tag(OpKind::kCancelPoll), tag(OpKind::kPoll)));
    for (const CompletionEvent& event : collect(2)) EXPECT_FALSE(event.more);
  }
}

TEST_P(UringClientTest, AReceiveOfWhatIsReadyNeverWaits) {
  const Pair pair = connected();
  ring_->submit(Op::recv_ready(tag(OpKind::kRecv), pair.file));
  const CompletionEvent nothing = next();
  EXPECT_EQ(nothing.error, IoError::kAgain);
  EXPECT_FALSE(nothing.more);
  EXPECT_FALSE(nothing.buffer);
}

TEST_P(UringClientTest, APollIsCancelledByItsTag) {
  const Pair pair = connected();
  ring_->submit(Op::poll_multishot(tag(OpKind::kPoll), pair.file));
  ASSERT_TRUE(quiet());
  ring_->submit(Op::cancel(tag(OpKind::kCancelPoll), tag(OpKind::kPoll)));
  for (const CompletionEvent& event : collect(2)) {
    const bool poll = event.tag.kind == OpKind::kPoll;
    EXPECT_EQ(event.error, poll ? IoError::kCanceled : IoError::kNone);
    EXPECT_FALSE(event.more);
  }
}

TEST_P(UringClientTest, ATakenSocketConnectsSendsAndReceives) {
  const FileSlot file = taken();
  PeerAddress to = address_of(listener_);
  ring_->submit(Op::connect(tag(OpKind::kConnect), file, to));
  ASSERT_EQ(next().error, IoError::kNone);
  const Fd server(::accept(listener_.get(), nullptr, nullptr));
  ring_->submit(Op::send(tag(OpKind::kSend), file, "hello"));
  ASSERT_EQ(next().result, 5U);
  EXPECT_EQ(read_bytes(server, 5), "hello");
  write_all(server, "welcome");
  ring_->submit(Op::recv_multishot(tag(OpKind::kRecv), file));
  EXPECT_EQ(take(next()), "welcome");
}

TEST_P(UringClientTest, AConnectThatNobodyTakesIsADisconnect) {
  const FileSlot file = taken();
  PeerAddress to = address_of(listener_);
  listener_.close();
  ring_->submit(Op::connect(tag(OpKind::kConnect), file, to));
  const CompletionEvent event = next();
  EXPECT_EQ(event.error, IoError::kDisconnect);
  EXPECT_EQ(event.result, static_cast<std::uint32_t>(ECONNREFUSED));
}

TEST_P(UringClientTest, ASocketBeyondTheTableIsNotTaken) {
  UringOptions options = kSmall;
  options.files = 1;
  open(options, 16, 4'096);
  static_cast<void>(taken());
  TakenSocket second{.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .number = -1};
  ring_->submit(Op::take_socket(tag(OpKind::kTakeSocket), second));
  const CompletionEvent event = next();
  EXPECT_TRUE(event.error == IoError::kTableFull || second.number < 0)
      << static_cast<int>(event.error) << ' ' << second.number;
  if (second.fd >= 0) ::close(second.fd);
}

}  // namespace
}  // namespace millrace

#include "net/tcp/send_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace millrace {
namespace {

SharedBytes piece(std::size_t size, char c = 'x') {
  return SharedBytes::copy_of(std::string(size, c));
}

std::string bytes_of(const SendQueue::Gathered& gathered) {
  if (gathered.message == nullptr) return std::string(gathered.single);
  std::string all;
  for (std::size_t i = 0; i < gathered.message->msg_iovlen; ++i) {
    const iovec& part = gathered.message->msg_iov[i];
    all.append(static_cast<const char*>(part.iov_base), part.iov_len);
  }
  return all;
}

TEST(SendQueue, OnePieceIsSentAsItLies) {
  SendQueue queue;
  const SharedBytes only = SharedBytes::copy_of("hello");
  queue.push(only);
  const auto gathered = queue.gather();
  EXPECT_EQ(gathered.message, nullptr);
  EXPECT_EQ(gathered.single.data(), only.data());
  queue.advance(2);
  EXPECT_EQ(queue.gather().single.data(), only.data() + 2);
  EXPECT_EQ(queue.bytes(), 3U);
  queue.advance(3);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(only.references(), 1U);
}

TEST(SendQueue, GathersAtMost64Pieces) {
  for (const std::size_t pieces : {63U, 64U, 65U}) {
    SendQueue queue;
    for (std::size_t i = 0; i < pieces; ++i) queue.push(piece(1));
    const auto gathered = queue.gather();
    ASSERT_NE(gathered.message, nullptr);
    EXPECT_EQ(gathered.message->msg_iovlen, std::min(pieces, SendQueue::kMaxGather));
    queue.advance(queue.gathered_bytes());
    EXPECT_EQ(queue.bytes(), pieces - std::min<std::size_t>(pieces, 64));
    queue.clear();
  }
}

TEST(SendQueue, GathersAtMost256KiB) {
  for (const std::size_t more : {127 * 1024U, 128 * 1024U, 128 * 1024U + 1}) {
    SendQueue queue;
    queue.push(piece(128 * 1024));
    queue.push(piece(more));
    static_cast<void>(queue.gather());
    const bool fits = 128 * 1024 + more <= SendQueue::kMaxGatherBytes;
    EXPECT_EQ(queue.gathered_bytes(), 128 * 1024 + (fits ? more : 0));
    queue.clear();
  }
}

TEST(SendQueue, AFirstPieceOfAnySizeIsSent) {
  SendQueue queue;
  queue.push(piece(SendQueue::kMaxGatherBytes * 4));
  queue.push(piece(1));
  static_cast<void>(queue.gather());
  EXPECT_EQ(queue.gathered_bytes(), SendQueue::kMaxGatherBytes * 4);
  queue.clear();
}

TEST(SendQueue, DropsWhatTheKernelDoesNotHave) {
  struct Case {
    bool in_flight;
    std::size_t sent_before;  // of "aaaa"
    std::string kept;
  };
  for (const Case& c : {Case{false, 0, ""}, Case{false, 1, "aaa"}, Case{true, 0, "aaaabbbb"},
                        Case{true, 1, "aaabbbb"}, Case{true, 4, "bbbb"}, Case{false, 4, ""}}) {
    SendQueue queue;
    queue.push(piece(4, 'a'));
    queue.push(piece(4, 'b'));
    if (c.sent_before > 0) {
      static_cast<void>(queue.gather());
      queue.advance(c.sent_before);
    }
    if (c.in_flight) static_cast<void>(queue.gather());
    queue.push(piece(4, 'c'));
    queue.push(piece(4, 'd'));
    if (!c.in_flight && c.sent_before == 4) queue.advance(0);
    queue.drop_unsent(c.in_flight);
    EXPECT_EQ(queue.bytes(), c.kept.size());
    EXPECT_EQ(queue.empty() ? "" : bytes_of(queue.gather()), c.kept);
    queue.clear();
  }
}

// Against a plain string: any pushes, any short sends.
TEST(SendQueue, KeepsOrderAndBytesWhateverIsSent) {
  const std::int64_t blocks = SharedBytes::live_blocks();
  std::mt19937 random(11);
  SendQueue queue;
  std::string expected, got;
  char next = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 3 != 0) {
      std::string text(1 + random() % 40, '\0');
      for (char& c : text) c = next++;
      expected += text;
      queue.push(SharedBytes::copy_of(text));
    } else if (!queue.empty()) {
      const std::string offered = bytes_of(queue.gather());
      ASSERT_EQ(offered.size(), queue.gathered_bytes());
      const std::size_t sent = 1 + random() % offered.size();
      got += offered.substr(0, sent);
      queue.advance(sent);
    }
    ASSERT_EQ(queue.bytes(), expected.size() - got.size());
    ASSERT_EQ(queue.empty(), queue.bytes() == 0);
  }
  while (!queue.empty()) {
    got += bytes_of(queue.gather());
    queue.advance(queue.gathered_bytes());
  }
  EXPECT_TRUE(got == expected);
  EXPECT_EQ(SharedBytes::live_blocks(), blocks);
}

TEST(SendQueueDeath, RefusesToSendMoreThanThereIs) {
  SendQueue queue;
  queue.push(piece(3));
  EXPECT_DEATH(queue.advance(4), "CHECK failed");
  queue.clear();
  EXPECT_DEATH(static_cast<void>(queue.gather()), "CHECK failed");
  EXPECT_DEATH(queue.push(SharedBytes()), "CHECK failed");
}

TEST(SendQueuePool, LendsWhatCameBack) {
  SendQueuePool pool;
  auto queue = pool.take();
  const SendQueue* address = queue.get();
  pool.give_back(std::move(queue));
  EXPECT_EQ(pool.take().get(), address);
}

TEST(SendQueuePool, KeepsALimitedNumberOfBytes) {
  SendQueuePool pool;
  std::vector<std::unique_ptr<SendQueue>> all;
  for (int i = 0; i < 20'000; ++i) {
    all.push_back(pool.take());
    for (int pieces = 0; pieces < 3; ++pieces) all.back()->push(piece(1));
    static_cast<void>(all.back()->gather());
    all.back()->clear();
  }
  for (auto& queue : all) pool.give_back(std::move(queue));
  EXPECT_LE(pool.kept_bytes(), SendQueuePool::kMaxKeptBytes);
  EXPECT_GT(pool.kept_bytes(), SendQueuePool::kMaxKeptBytes * 9 / 10);
  const std::size_t before = pool.kept_bytes();
  auto queue = pool.take();
  EXPECT_EQ(pool.kept_bytes(), before - queue->memory());
  pool.give_back(std::move(queue));
  EXPECT_EQ(pool.kept_bytes(), before);
}

TEST(SendQueuePool, KeepsNoQueueThatASlowReaderMadeLarge) {
  SendQueuePool pool;
  auto queue = pool.take();
  for (std::size_t i = 0; i < SendQueuePool::kMaxKeptRoom + 1; ++i) queue->push(piece(1));
  queue->clear();
  ASSERT_GT(queue->room(), SendQueuePool::kMaxKeptRoom);
  pool.give_back(std::move(queue));
  EXPECT_LE(pool.take()->room(), SendQueuePool::kMaxKeptRoom);
}

}  // namespace
}  // namespace millrace

// What carries everything else: slots, quotas, lanes, mailboxes, turns.
#include "core/base/shard_check.h"
#include "core/limit/quota.h"
#include "core/limit/token_bucket.h"
#include "core/mem/slab.h"
#include "core/shard/inbox.h"
#include "core/shard/lane.h"
#include "core/shard/mailbox.h"
#include "core/shard/reactor.h"
#include "net/ws/frame_decoder.h"
#include "tests/limits/limit.h"
#include "tests/support/allocated_bytes.h"
#include "tests/support/client_frames.h"
#include "tests/support/frame_events.h"
#include "tests/support/mem_ring.h"

namespace millrace {
namespace {

constexpr std::uint32_t kSome = 5;  // of limits that whoever makes the object chooses

std::string slots(std::uint64_t n) {
  Slab<int> slab(kSome);
  std::vector<SlotId> ids;
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto acquired = slab.acquire(0);
    if (acquired.object != nullptr) ids.push_back(acquired.id);
  }
  for (const SlotId id : ids) slab.release(id);
  return unless(ids.size() == n, "none");
}

std::string units(std::uint64_t n) {
  Quota quota(kSome);
  const Units all = quota.try_take(n);
  CHECK_EQ(quota.taken(), all ? n : 0U);
  return unless(static_cast<bool>(all), "none");
}

std::string tokens(std::uint64_t n) {
  TokenBucket bucket({.tokens = 1, .per = seconds(1), .burst = kSome}, Instant{});
  return unless(bucket.take(Instant{}, static_cast<std::uint32_t>(n)), "none");
}

std::string lane(std::uint64_t n) {
  Lane<int> items(8);
  std::uint64_t pushed = 0;
  for (int item = 0; pushed < n && items.push(item); ++item) ++pushed;
  return unless(pushed == n, "full");
}

// Two shards' mailboxes on rings in memory.
class TwoShards : private MessageHandler {
 public:
  TwoShards() {
    enter(0);
    from_ = std::make_unique<Mailbox>(network_, ShardId{0}, sender_.waker());
    enter(1);
    to_ = std::make_unique<Mailbox>(network_, ShardId{1}, receiver_.waker());
    to_->set_handler(*this);
  }
  ~TwoShards() { set_this_shard(ShardId{kNoShard}); }

  static void enter(std::uint16_t shard) { set_this_shard(ShardId{shard}); }
  bool try_send() {
    enter(0);
    Message message = SnapshotRequest{1};
    return from_->try_send(ShardId{1}, message);
  }
  std::uint64_t drained() {
    enter(1);
    to_->drain(Instant{});
    return std::exchange(count_, 0);
  }

 private:
  void on_message(ShardId, Message&, Instant) override { ++count_; }

  ManualClock clock_;
  RecvBuffers buffers_{1, 64};
  MemRing ring_{buffers_};
  Reactor sender_{ring_, clock_};
  Reactor receiver_{ring_, clock_};
  MailboxNetwork network_{2};
  std::unique_ptr<Mailbox> from_;
  std::unique_ptr<Mailbox> to_;
  std::uint64_t count_ = 0;
};

std::string messages_in_a_lane(std::uint64_t n) {
  TwoShards shards;
  bool all = true;
  for (std::uint64_t i = 0; i < n; ++i) all &= shards.try_send();
  return unless(all, "refused");
}

std::string messages_of_a_turn(std::uint64_t n) {
  TwoShards shards;
  for (std::uint64_t i = 0; i < n; ++i) CHECK(shards.try_send());
  const std::uint64_t first = shards.drained();
  CHECK_EQ(first + shards.drained(), n);
  return unless(first == n, "next turn");
}

// A ring that has `n` completions ready.
class BusyRing final : public Ring {
 public:
  explicit BusyRing(std::uint64_t events) : left_(events) {}
  void submit(const Op&) override {}
  std::size_t reap(std::span<CompletionEvent> out) override {
    const std::size_t count = std::min<std::size_t>(left_, out.size());
    for (std::size_t i = 0; i < count; ++i) out[i] = {.tag = {OpKind::kRecv, 1, 0}, .buffer = {}};
    left_ -= count;
    return count;
  }
  void wait(Duration) override {}
  void wake() override {}
  [[nodiscard]] const RingStats& stats() const override { return stats_; }
  void provide_buffer(BufferId) override {}

 private:
  std::uint64_t left_;
  RingStats stats_;
};

struct CompletionCount final : CompletionHandler {
  void on_completion(const CompletionEvent&, Instant) override { ++count; }
  std::uint64_t count = 0;
};

std::string completions_of_a_turn(std::uint64_t n) {
  BusyRing ring(n);
  ManualClock clock;
  Reactor reactor(ring, clock);
  CompletionCount handler;
  reactor.route(OpKind::kRecv, handler);
  reactor.turn(Duration{});
  const std::uint64_t first = handler.count;
  reactor.turn(Duration{});
  CHECK_EQ(handler.count, n);
  return unless(first == n, "next turn");
}

std::string inbox_items(std::uint64_t n) {
  BusyRing ring(0);
  Waker waker(ring);
  Inbox<int> inbox(kSome, waker);
  std::uint64_t pushed = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    int item = 0;
    pushed += inbox.push(item) ? 1 : 0;
  }
  CHECK_EQ(inbox.refused(), n - pushed);
  return unless(pushed == n, "refused");
}

// What a decoder keeps of the room for a message of n bytes when it goes back to its pool. A string
// doubles its room; pieces that are a power of two in n make that room exactly n.
std::string kept_by_a_decoder(std::uint64_t n) {
  std::uint64_t piece = n;
  while (piece > 2'048) piece /= 2;
  FrameEvents events;
  FrameDecoder decoder;
  const FrameLimits limits{.message_bytes = 1U << 20, .fragments = 8};
  const std::int64_t before = allocated_bytes();
  CHECK(decoder.feed(client_header(static_cast<std::uint8_t>(Opcode::kBinary), n), limits, events));
  const std::string bytes(piece, 'x');
  for (std::uint64_t i = 0; i < n / piece; ++i) CHECK(decoder.feed(bytes, limits, events));
  decoder.reset();
  return unless(allocated_bytes() - before >= static_cast<std::int64_t>(n), "freed");
}

Limits limits_of_shards() {
  return {
      {.name = "messages between two shards",
       .covers = {"mailbox.h:kLaneCapacity"},
       .value = MailboxNetwork::kLaneCapacity,
       .unit = "messages",
       .refusal = "refused",
       .attempt = messages_in_a_lane},
      {.name = "messages of a sender in a turn",
       .covers = {"mailbox.h:kBatch"},
       .value = 1'024,
       .unit = "messages",
       .refusal = "next turn",
       .attempt = messages_of_a_turn},
      {.name = "completions of a turn",
       .covers = {"reactor.h:kBatch"},
       .value = 1'024,
       .unit = "completions",
       .refusal = "next turn",
       .attempt = completions_of_a_turn},
      {.name = "memory that a decoder keeps",
       .covers = {"frame_decoder.h:kKeptCapacity"},
       .value = FrameDecoder::kKeptCapacity,
       .unit = "bytes",
       .refusal = "freed",
       .attempt = kept_by_a_decoder,
       .step = FrameDecoder::kKeptCapacity / 2},
  };
}

}  // namespace

Limits core_limits() {
  Limits all = limits_of_shards();
  const auto add = [&all](const char* name, std::uint64_t value, const char* refusal,
                          std::string (*attempt)(std::uint64_t)) {
    all.push_back(
        {.name = name, .value = value, .unit = "", .refusal = refusal, .attempt = attempt});
  };
  add("a slab's slots", kSome, "none", slots);
  add("a quota's units", kSome, "none", units);
  add("a token bucket's burst", kSome, "none", tokens);
  add("a lane's items", 8, "full", lane);
  add("an inbox's items", kSome, "refused", inbox_items);
  return all;
}

}  // namespace millrace

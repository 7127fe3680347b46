// From nats.c's delivery threads to the shard: messages, bounded in number and in bytes.
//
// Owner: the shard; it must outlive every subscription that delivers into it (nats_subscriptions.h
// sees to that). What does not fit is destroyed and counted, never waited for: a delivery thread
// that waits would make the library drop for every shard.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/shard/inbox.h"
#include "core/shard/waker.h"
#include "net/nats/nats_overlap.h"

namespace millrace {

struct NatsMessageDestroy {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using NatsMessage = std::unique_ptr<natsMsg, NatsMessageDestroy>;

// A subscription of the shard's: a slot and the generation that tells it from the slot's earlier
// tenants, so that a message of a subscription that is gone is known as such.
struct NatsSubscriptionId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  bool operator==(const NatsSubscriptionId&) const = default;
};

struct NatsInbound {
  NatsMessage message;
  NatsSubscriptionId subscription;
  std::uint32_t connection = 0;  // which of the link's brought it
  bool shared = true;            // each of two connections brings it; of a queue group one does
};

class NatsInbox {
 public:
  NatsInbox(std::size_t messages, std::size_t bytes, Waker& waker)
      : most_messages_(messages), most_bytes_(bytes), waker_(waker), messages_(messages, waker) {}

  // Any thread's.
  void push(NatsMessage message, NatsSubscriptionId subscription, std::uint32_t connection = 0,
            bool shared = true) {
    const std::size_t size = size_of(*message);
    NatsInbound inbound{std::move(message), subscription, connection, shared};
    if (bytes_.fetch_add(size, std::memory_order_relaxed) + size > most_bytes_ ||
        !messages_.push(inbound)) {
      bytes_.fetch_sub(size, std::memory_order_relaxed);
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // The shard's: takes all into `out`, which must be empty; release() each when it is handled.
  void take(std::vector<NatsInbound>& out) {
    // Before the messages: what the old connection brought is there before its end is told.
    const std::uint64_t stage = stage_.load(std::memory_order_acquire);
    if (stage == seen_stage_ && !overlap_) return messages_.take(out);
    merge(stage, out);
  }
  void release(NatsInbound& inbound) {
    bytes_.fetch_sub(size_of(*inbound.message), std::memory_order_relaxed);
    inbound.message.reset();
  }

  // The link's, about a move to another connection (nats_overlap.h): from now on the connection
  // `next` may bring what the others bring; they have brought their last; no copies are late.
  void begin_overlap(std::uint32_t next) { tell(Stage::kBoth, next); }
  void end_old() { tell(Stage::kNewOnly, next_); }
  void end_overlap() { tell(Stage::kNone, next_); }

  [[nodiscard]] bool waiting() const {
    return messages_.waiting() || stage_.load(std::memory_order_acquire) != seen_stage_;
  }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  static std::size_t size_of(const natsMsg& message) {
    const int size = natsMsg_GetDataLength(&message);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }

  enum class Stage : std::uint8_t { kNone, kBoth, kNewOnly };
  static constexpr unsigned kStageBits = 2;

  void tell(Stage stage, std::uint32_t next) {
    next_ = next;
    stage_.store(std::uint64_t{next} << kStageBits | static_cast<std::uint64_t>(stage),
                 std::memory_order_release);
    waker_.wake();
  }
  void merge(std::uint64_t stage, std::vector<NatsInbound>& out);

  const std::size_t most_messages_;
  const std::size_t most_bytes_;
  Waker& waker_;
  Inbox<NatsInbound> messages_;
  std::atomic<std::size_t> bytes_{0};  // of what was pushed and not released
  std::atomic<std::uint64_t> dropped_{0};

  std::atomic<std::uint64_t> stage_{0};  // the link's word: a connection's number and a Stage
  std::uint32_t next_ = 0;               // the link's thread's

  // The shard's.
  std::uint64_t seen_stage_ = 0;
  std::unique_ptr<NatsOverlap<NatsInbound>> overlap_;
  std::vector<NatsInbound> raw_;
  std::vector<NatsInbound> copies_;
};

}  // namespace millrace

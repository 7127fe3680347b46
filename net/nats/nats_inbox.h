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
};

struct NatsInbound {
  NatsMessage message;
  NatsSubscriptionId subscription;
};

class NatsInbox {
 public:
  NatsInbox(std::size_t messages, std::size_t bytes, Waker& waker)
      : most_bytes_(bytes), messages_(messages, waker) {}

  // Any thread's.
  void push(NatsMessage message, NatsSubscriptionId subscription) {
    const std::size_t size = size_of(*message);
    NatsInbound inbound{std::move(message), subscription};
    if (bytes_.fetch_add(size, std::memory_order_relaxed) + size > most_bytes_ ||
        !messages_.push(inbound)) {
      bytes_.fetch_sub(size, std::memory_order_relaxed);
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // The shard's: takes all into `out`, which must be empty; release() each when it is handled.
  void take(std::vector<NatsInbound>& out) { messages_.take(out); }
  void release(NatsInbound& inbound) {
    bytes_.fetch_sub(size_of(*inbound.message), std::memory_order_relaxed);
    inbound.message.reset();
  }

  [[nodiscard]] bool waiting() const { return messages_.waiting(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  static std::size_t size_of(const natsMsg& message) {
    const int size = natsMsg_GetDataLength(&message);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }

  const std::size_t most_bytes_;
  Inbox<NatsInbound> messages_;
  std::atomic<std::size_t> bytes_{0};  // of what was pushed and not released
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace millrace

// The subscriptions of one link: what the shard wants, and the library's handles for it.
//
// A subscription outlives connections. While there is none it is remembered; restore() makes the
// library's state equal to what is wanted. nats.c subscribes its own again after a reconnect, so
// after one only the difference is sent.
//
// Owner: the link's thread. The inbox must outlive it.
//
// Invariant: from the return of wait_until_quiet() on, no callback of the library's touches the
// inbox.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/mem/sparse_slots.h"
#include "net/nats/nats_inbox.h"

namespace millrace {

struct NatsSubscriptionDestroy {
  // Unsubscribes too. May wait for the connection's lock and its write deadline.
  void operator()(natsSubscription* subscription) const { natsSubscription_Destroy(subscription); }
};
using NatsSubscriptionHandle = std::unique_ptr<natsSubscription, NatsSubscriptionDestroy>;

class NatsSubscriptions {
 public:
  // `connection`: its number, which its messages bear.
  explicit NatsSubscriptions(NatsInbox& inbox, std::uint32_t connection = 0)
      : inbox_(inbox), connection_(connection) {}
  ~NatsSubscriptions();  // REQUIRES: forget_connection() after the connection was destroyed.
  NatsSubscriptions(const NatsSubscriptions&) = delete;
  NatsSubscriptions& operator=(const NatsSubscriptions&) = delete;

  // `connection` is null while there is none to tell. False if the library refused it now; then
  // restore() tries again. REQUIRES: the slot `id.index` is free.
  [[nodiscard]] bool add(NatsSubscriptionId id, std::string subject, natsConnection* connection,
                         std::string queue = {});
  // `connected`: the server is told now, else by restore(). REQUIRES: the slot is in use.
  void remove(std::uint32_t index, bool connected);
  // Sends what changed while nobody could be told. False if the library refused some of it.
  [[nodiscard]] bool restore(natsConnection& connection);
  // The same for another connection, which has none yet. False if that refused it.
  [[nodiscard]] bool copy_to(NatsSubscriptions& other, natsConnection& connection);
  // The connection is gone for good; its successor's restore() subscribes all anew.
  void forget_connection();
  // Waits for callbacks that still run. They wait for nothing, so this is short.
  // REQUIRES: forget_connection().
  void wait_until_quiet() const;

  // Messages that the library dropped since the last call, for want of room in its own queues. Asks
  // every subscription, so only when the library said that it drops.
  std::uint64_t take_dropped();
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    NatsSubscriptionHandle handle;
    std::string subject;
    std::string queue;  // group; empty: none
    std::uint32_t generation = 0;
    std::int64_t dropped = 0;  // counted already
  };

  bool subscribe(std::uint32_t index, Entry& entry, natsConnection& connection);
  void count_dropped(Entry& entry);

  NatsInbox& inbox_;
  const std::uint32_t connection_;
  SparseSlots<Entry> entries_;                    // by slot
  std::vector<NatsSubscriptionHandle> unwanted_;  // to be told at restore()
  std::size_t missing_ = 0;                       // entries without a handle
  std::uint64_t dropped_ = 0;                     // since take_dropped()
  std::atomic<std::size_t> alive_{0};             // subscriptions whose callbacks may still run
};

}  // namespace millrace

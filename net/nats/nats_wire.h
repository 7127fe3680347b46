// One connection of the NATS library's with what is subscribed on it, and what its callbacks know.
//
// Owner: the link's thread; the link (nats_link.h) outlives it. A wire whose connection is there is
// closed before it goes: close().
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <cstdint>

#include "net/nats/nats_subscriptions.h"

namespace millrace {

class NatsLink;

// Of which the library's callbacks get a pointer.
struct NatsWatch {
  NatsLink& link;
  const std::uint32_t number;        // of the wire; the link's state bears it
  std::atomic<bool> closed = false;  // the closed callback has touched this for the last time
};

class NatsWire {
 public:
  NatsWire(NatsLink& link, NatsInbox& inbox, std::uint32_t number)
      : watch{link, number}, subscriptions(inbox, number) {}
  ~NatsWire();
  NatsWire(const NatsWire&) = delete;
  NatsWire& operator=(const NatsWire&) = delete;

  // Ends the connection and waits for its callbacks. What was subscribed is remembered.
  void close();

  NatsWatch watch;
  natsConnection* connection = nullptr;
  NatsSubscriptions subscriptions;
};

}  // namespace millrace

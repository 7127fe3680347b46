// Where the hub hands what subscribers are to get. One a shard; implemented by
// net/session/fanout.h.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/bytes.h"
#include "core/hub/broker.h"

namespace millrace {

// Who subscribes: the slab index of a connection. The hub forgets it in drop(), before the slot
// gets another tenant, so the index alone names it.
using SubscriberId = std::uint32_t;

// One subscription as its channel keeps it.
struct Subscriber {
  SubscriberId id = 0;
  std::uint32_t entry = 0;  // its place in the subscriber's own list
};

class DeliverySink {
 public:
  // Called once a publication. The sink must not call back into the hub.
  virtual void deliver(const Publication& publication, std::span<const Subscriber> to) = 0;
  // A channel that was pending is live for all who subscribed meanwhile. The same rule.
  virtual void subscribed(Bytes channel, std::span<const Subscriber> who) = 0;
  virtual void published(PublishToken token, PublishOutcome outcome) = 0;

 protected:
  ~DeliverySink() = default;
};

}  // namespace millrace

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

class DeliverySink {
 public:
  // Called once a publication. The sink must not call back into the hub.
  virtual void deliver(const Publication& publication, std::span<const SubscriberId> to) = 0;
  // A subscription that was pending is live. The same rule.
  virtual void subscribed(SubscriberId who, std::uint32_t ticket) = 0;
  virtual void published(PublishToken token, PublishOutcome outcome) = 0;

 protected:
  ~DeliverySink() = default;
};

}  // namespace millrace

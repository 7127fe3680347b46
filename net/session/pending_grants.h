// Subscriptions that were ordered (session_orders.h) and are not settled yet, and for which order.
//
// Owner: the sessions of a shard share one. An entry lives until its subscription is live, has
// failed, or is gone with its session; so there are no more of them than subscriptions and orders
// in flight.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/hub/delivery_sink.h"
#include "proto/error_code.h"

namespace millrace {

// Who orders.
class GrantWaiter {
 public:
  // Once for each add(). Perhaps from inside the hub: it must not call back.
  virtual void on_granted(std::uint64_t order, std::optional<ErrorCode> failed) = 0;

 protected:
  ~GrantWaiter() = default;
};

class PendingGrants {
 public:
  // Before the first add(); must outlive the last.
  void set_waiter(GrantWaiter& waiter) { waiter_ = &waiter; }

  void add(SubscriberId who, Bytes channel, std::uint64_t order);
  // All that wait for this subscription.
  void settle(SubscriberId who, Bytes channel, std::optional<ErrorCode> failed = {});
  // The session is gone, and with it what was ordered of it.
  void settle_all(SubscriberId who);
  [[nodiscard]] std::size_t sessions() const { return pending_.size(); }

 private:
  struct Pending {
    std::string channel;
    std::uint64_t order = 0;
  };

  GrantWaiter* waiter_ = nullptr;
  boost::unordered_flat_map<SubscriberId, std::vector<Pending>> pending_;
};

}  // namespace millrace

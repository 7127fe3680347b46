// Who takes the hub's answers for one subscriber: a session. Called on its shard.
#pragma once

#include <cstdint>

namespace millrace {

class HubClient {
 public:
  // A subscription that was pending is live; the ticket is what was given with it.
  virtual void on_subscribed(std::uint32_t ticket) = 0;
  // The outcome of a publication, by the ticket that was given with it.
  virtual void on_published(std::uint32_t ticket, bool accepted) = 0;

 protected:
  ~HubClient() = default;
};

}  // namespace millrace

// Who asks the hub and is no client of it: the server API. Called on its shard, once for each
// question, with the ticket that was given with it; perhaps from inside the question.
#pragma once

#include <cstdint>

#include "core/hub/broker.h"

namespace millrace {

class HubAsker {
 public:
  virtual void on_published(std::uint64_t ticket, PublishOutcome outcome,
                            const StreamPosition& position) = 0;
  // Of a removed history, too: its page has the position alone.
  virtual void on_history(std::uint64_t ticket, const HistoryPage& page) = 0;
  virtual void on_presence(std::uint64_t ticket, const PresencePage& page) = 0;

 protected:
  ~HubAsker() = default;
};

}  // namespace millrace

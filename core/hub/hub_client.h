// Who takes the hub's answers for one subscriber: a session. Called on its shard.
//
// Who never asks a question need not take its answer: getting one nevertheless is a bug.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/hub/delivery_sink.h"
#include "core/mem/shared_bytes.h"
#include "core/time/instant.h"

namespace millrace {

class HubClient {
 public:
  // The answer to a subscribe that was pending; the ticket is what was given with it.
  virtual void on_subscribed(Bytes channel, std::uint32_t ticket, const SubscribeOutcome& outcome);
  // It has missed something of a channel, and is no subscriber of it any more.
  virtual void on_lost(Bytes channel, bool server_side);
  // A frame for it that it is to get later, in order.
  virtual void on_held(const SharedBytes& frame);
  // Of a publication, or a question, by the ticket that was given with it.
  virtual void on_published(std::uint32_t ticket, bool accepted);
  virtual void on_history(std::uint32_t ticket, const HistoryPage& page);
  virtual void on_presence(std::uint32_t ticket, const PresencePage& page);
  virtual void on_presence_counts(std::uint32_t ticket, const PresencePage& page);
  // Views, until the next call.
  [[nodiscard]] virtual ClientInfo member(Bytes channel);

 protected:
  ~HubClient() = default;
};

}  // namespace millrace

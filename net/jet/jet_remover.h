// Takes the history of a channel out of its stream: a mark that says so, then the purge, then the
// word to all who listen. In that order, so that nobody who was behind is told that nothing is
// missing, whatever of it fails.
//
// Owner: the shard's JetBroker; on the shard's thread. Limit: kMaxOpen, the rest are refused.
#pragma once

#include <cstdint>
#include <string>

#include "core/hub/broker.h"
#include "core/mem/slab.h"
#include "core/time/instant.h"
#include "net/jet/jet_json.h"
#include "net/nats/nats_port.h"

namespace millrace {

// On a message to those who listen to a channel: what is up to there was removed.
inline constexpr char kRemovedHeader[] = "Millrace-Removed";

class RemoverEvents {
 public:
  // Once for each that was taken. `top` is the channel's; 0: nothing was kept.
  virtual void on_removed(RequestToken token, std::uint32_t stream, bool ok, std::uint64_t top) = 0;

 protected:
  ~RemoverEvents() = default;
};

class JetRemover final : private NatsAsker {
 public:
  static constexpr std::uint32_t kMaxOpen = 1'024;
  static constexpr Duration kPatience = milliseconds(1'300);  // of each of three requests

  JetRemover(NatsPort& port, RemoverEvents& events) : port_(port), events_(events) {}
  ~JetRemover();
  JetRemover(const JetRemover&) = delete;
  JetRemover& operator=(const JetRemover&) = delete;

  // False: there is no room, and nobody is called. `name` is the stream's.
  [[nodiscard]] bool remove(std::uint32_t stream, Bytes name, Bytes channel, RequestToken token,
                            Instant now);

 private:
  enum class Step : std::uint8_t { kTop, kMark, kPurge };
  struct Removal {
    Step step = Step::kTop;
    std::uint32_t stream = 0;
    std::string name;
    std::string channel;
    RequestToken token = 0;
    std::uint64_t top = 0;
    NatsQuestionId request = 0;
  };

  void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                      Instant now) override;
  [[nodiscard]] bool ask(SlotId id, Instant now);
  void take(SlotId id, const JetAnswer& answer, Instant now);
  void finish(SlotId id, bool ok);

  NatsPort& port_;
  RemoverEvents& events_;
  JsonValidator validator_;
  Slab<Removal> removals_{kMaxOpen};
};

}  // namespace millrace

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

// A subscriber as its channel keeps it: who, and how publications are put to it.
struct Subscriber {
  static constexpr unsigned kIdBits = 26;
  static constexpr SubscriberId kMaxId = (SubscriberId{1} << kIdBits) - 1;

  std::uint32_t id : kIdBits;
  std::uint32_t format : 1;    // of its wire: the sink's business
  std::uint32_t delta : 1;     // wants patches where they are shorter
  std::uint32_t based : 1;     // has the publication that the next patch is against
  std::uint32_t announce : 1;  // wants joins and leaves
  std::uint32_t joining : 1;   // has not been told yet that it is subscribed, and gets nothing
  std::uint32_t held : 1;      // gets its frames later, in order (Hub::release())
};
static_assert(sizeof(Subscriber) == 4, "docs/memory.md adds up what a connection costs");

// How a subscribe ended.
struct SubscribeOutcome {
  enum class Failure : std::uint8_t {
    kNone,
    kUnavailable,    // the broker can't tell the position: error 100, temporary
    kUnrecoverable,  // and the subscriber wants all or nothing
  };
  Failure failure = Failure::kNone;
  bool positioned = false;  // `position` is told, and holes from there on are
  bool recoverable = false;
  StreamPosition position = {};  // the channel's, or where recovery begins
  bool was_recovering = false;
  bool recovered = false;  // `publications` are all that was missed
  bool delta = false;
  std::span<const KeptPublication> publications = {};
};

class DeliverySink {
 public:
  // Must not call back into the hub. Called once a publication. `base` is the publication before
  // this one, for patches; empty if there is none.
  virtual void deliver(const Publication& publication, Bytes base,
                       std::span<const Subscriber> to) = 0;
  // To those of `to` that want it. Must not call back either.
  virtual void deliver_presence(Bytes channel, std::span<const PresenceChange> changes,
                                std::span<const Subscriber> to) = 0;
  // A subscription that was pending is live, or has failed and is gone. Perhaps from inside
  // Hub::subscribe(). May call back if it has failed.
  virtual void subscribed(SubscriberId who, Bytes channel, std::uint32_t ticket,
                          const SubscribeOutcome& outcome) = 0;
  // What is behind `who`'s name in a channel. Views, until the next call.
  virtual ClientInfo member(SubscriberId who, Bytes channel) = 0;

  // These may call back.
  virtual void published(RequestToken token, PublishOutcome outcome,
                         const StreamPosition& position) = 0;
  virtual void history(RequestToken token, const HistoryPage& page) = 0;
  virtual void presence(RequestToken token, const PresencePage& page) = 0;
  // The subscription is gone already, because its subscriber has missed something.
  virtual void lost(SubscriberId who, Bytes channel, bool server_side) = 0;

 protected:
  ~DeliverySink() = default;
};

}  // namespace millrace

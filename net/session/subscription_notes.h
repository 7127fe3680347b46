// What subscriptions that came with a token have: an info of their own, an end, and what the token
// is found by if it is revoked.
//
// Owner: the sessions of a shard share one. A note lives as long as its subscription; the session
// sees to that.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/hub/delivery_sink.h"
#include "core/time/timer_wheel.h"
#include "net/session/identity.h"

namespace millrace {

// What is left of a subscription's token, as of a connection's in Identity.
struct TokenMark {
  static constexpr std::uint32_t kNoToken = UINT32_MAX;
  std::uint32_t issued_at = kNoToken;  // seconds of the calendar; 0: not said
  std::uint32_t hash = 0;              // of the token's id; 0 without one

  [[nodiscard]] bool none() const { return issued_at == kNoToken; }
};

struct SubscriptionNote : Timer {
  SubscriberId who = 0;
  Expiry expiry;
  TokenMark token;
  std::string channel;
  std::string info;  // raw JSON: ClientInfo::chan_info
  std::string data;  // raw JSON, told in the reply

  // An end that no token gave was the application's word.
  [[nodiscard]] bool from_application() const { return token.none() && !expiry.never(); }
};

static_assert(sizeof(SubscriptionNote) == 144, "docs/memory.md tells what a note costs");

// Told when a subscription has expired, and its grace is over; of what the application has given,
// when it has expired, and as wake_at() says.
class NoteExpiry {
 public:
  virtual void on_expired(SubscriberId who, Bytes channel, Instant now) = 0;

 protected:
  ~NoteExpiry() = default;
};

class SubscriptionNotes final : private TimerHandler {
 public:
  // Both must outlive it.
  SubscriptionNotes(TimerWheel& timers, NoteExpiry& events, Duration grace)
      : timers_(timers), events_(events), grace_(grace) {}
  ~SubscriptionNotes();
  SubscriptionNotes(const SubscriptionNotes&) = delete;
  SubscriptionNotes& operator=(const SubscriptionNotes&) = delete;

  // In the place of one that is there. What says nothing and has no token is not kept.
  void put(SubscriberId who, Bytes channel, Bytes info, Bytes data, Expiry expiry,
           TokenMark token = {});
  // No effect without a note.
  void wake_at(SubscriberId who, Bytes channel, Instant when);
  [[nodiscard]] const SubscriptionNote* find(SubscriberId who, Bytes channel) const;
  // Of the subscriptions whose token is one that `fits`. Copies, as notes go meanwhile.
  template <typename Fits>
  [[nodiscard]] std::vector<std::string> channels_of(SubscriberId who, Fits fits) const {
    std::vector<std::string> channels;
    const auto found = notes_.find(who);
    if (found == notes_.end()) return channels;
    for (const auto& note : found->second) {
      if (!note->token.none() && fits(note->token)) channels.push_back(note->channel);
    }
    return channels;
  }
  void erase(SubscriberId who, Bytes channel);
  void erase_all(SubscriberId who);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  using Notes = std::vector<std::unique_ptr<SubscriptionNote>>;

  void on_timer(Timer& timer, Instant now) override;

  TimerWheel& timers_;
  NoteExpiry& events_;
  const Duration grace_;
  boost::unordered_flat_map<SubscriberId, Notes> notes_;
  std::size_t size_ = 0;
};

}  // namespace millrace

#include "net/session/subscription_notes.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

SubscriptionNotes::~SubscriptionNotes() { CHECK_EQ(size_, 0U); }

void SubscriptionNotes::put(SubscriberId who, Bytes channel, Bytes info, Bytes data, Expiry expiry,
                            TokenMark token) {
  erase(who, channel);
  if (info.empty() && data.empty() && expiry.never() && token.none()) return;
  auto note = std::make_unique<SubscriptionNote>();
  note->who = who;
  note->channel = channel;
  note->info = info;
  note->data = data;
  note->expiry = expiry;
  note->token = token;
  const Duration grace = note->from_application() ? Duration{} : grace_;
  if (!expiry.never()) timers_.arm(*note, expiry.instant() + grace, *this);
  notes_[who].push_back(std::move(note));
  ++size_;
}

const SubscriptionNote* SubscriptionNotes::find(SubscriberId who, Bytes channel) const {
  const auto found = notes_.find(who);
  if (found == notes_.end()) return nullptr;
  for (const auto& note : found->second) {
    if (note->channel == channel) return note.get();
  }
  return nullptr;
}

void SubscriptionNotes::wake_at(SubscriberId who, Bytes channel, Instant when) {
  const auto found = notes_.find(who);
  if (found == notes_.end()) return;
  for (const auto& note : found->second) {
    if (note->channel != channel) continue;
    timers_.cancel(*note);
    timers_.arm(*note, when, *this);
  }
}

void SubscriptionNotes::erase(SubscriberId who, Bytes channel) {
  const auto found = notes_.find(who);
  if (found == notes_.end()) return;
  Notes& notes = found->second;
  const auto note =
      std::ranges::find_if(notes, [channel](const auto& each) { return each->channel == channel; });
  if (note == notes.end()) return;
  timers_.cancel(**note);
  notes.erase(note);
  --size_;
  if (notes.empty()) notes_.erase(found);
}

void SubscriptionNotes::erase_all(SubscriberId who) {
  const auto found = notes_.find(who);
  if (found == notes_.end()) return;
  for (const auto& note : found->second) timers_.cancel(*note);
  size_ -= found->second.size();
  notes_.erase(found);
}

void SubscriptionNotes::on_timer(Timer& timer, Instant now) {
  const auto& note = static_cast<const SubscriptionNote&>(timer);
  const std::string channel = note.channel;  // the note goes meanwhile
  events_.on_expired(note.who, channel, now);
}

}  // namespace millrace

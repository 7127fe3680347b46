#include "net/server/gap_notices.h"

#include <utility>

namespace millrace {

void GapNotices::on_nats_up(Instant now) {
  until_ = hub_.last_interest();
  slot_ = 0;
  missed_.clear();
  // At the next turn: what the connection brought is handled first.
  timers_.arm(timer_, now, *this);
}

void GapNotices::on_timer(Timer& /*timer*/, Instant now) {
  std::size_t left = kNoticesAStep;
  std::uint32_t slots = kSlotsAStep;
  while (left > 0 && (slots > 0 || !missed_.empty())) {
    left -= tell(left, now);
    if (!missed_.empty()) break;
    if (slot_ >= hub_.channel_slots()) return;
    look_at_next();
    --slots;
  }
  timers_.arm(timer_, now + kStep, *this);
}

std::size_t GapNotices::tell(std::size_t most, Instant now) {
  std::size_t told = 0;
  for (; told < most && !missed_.empty(); ++told) {
    const SubscriberId who = missed_.back();
    missed_.pop_back();
    if (hub_.lose(who, channel_, now)) ++metrics_.gap_notices_total;
  }
  return told;
}

void GapNotices::look_at_next() {
  auto gap = hub_.gap(slot_++, until_);
  if (!gap) return;
  const NamespaceSettings* settings = settings_.find_namespace(gap->channel);
  if (settings == nullptr || !settings->notify_gaps) return;
  channel_ = gap->channel;
  missed_ = std::move(gap->missed);
}

}  // namespace millrace

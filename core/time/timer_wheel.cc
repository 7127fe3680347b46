#include "core/time/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "core/base/assert.h"

namespace millrace {
namespace {

using Link = internal::TimerLink;

void make_empty(Link& head) { head.prev = head.next = &head; }

bool list_empty(const Link& head) { return head.next == &head; }

void push_back(Link& head, Link& link) {
  link.prev = head.prev;
  link.next = &head;
  head.prev->next = &link;
  head.prev = &link;
}

void unlink(Link& link) {
  link.prev->next = link.next;
  link.next->prev = link.prev;
  link.prev = link.next = nullptr;
}

// Moves all of `from` to the end of `to`.
void splice_back(Link& to, Link& from) {
  if (list_empty(from)) return;
  to.prev->next = from.next;
  from.next->prev = to.prev;
  from.prev->next = &to;
  to.prev = from.prev;
  make_empty(from);
}

}  // namespace

Timer::~Timer() { CHECK(!armed()); }

TimerWheel::TimerWheel(Instant now) : now_(now) {
  CHECK_GE(now.ns, 0);
  tick_ = static_cast<std::uint64_t>(now.ns / kTick.ns);
  make_empty(due_);
  make_empty(expired_);
  for (auto& level : slots_) {
    for (Link& slot : level) make_empty(slot);
  }
}

TimerWheel::~TimerWheel() { CHECK_EQ(size_, 0U); }

void TimerWheel::arm(Timer& timer, Instant deadline, TimerHandler& handler) {
  cancel(timer);
  timer.deadline_ = deadline;
  timer.handler_ = &handler;
  ++size_;
  if (deadline <= now_) {
    push_back(due_, timer);
  } else {
    insert(timer, tick_of(deadline));
  }
}

void TimerWheel::cancel(Timer& timer) {
  if (!timer.armed()) return;
  unlink(timer);
  CHECK_GT(size_, 0U);
  --size_;
  if (timer.deadline_.ns <= 0) return;
  const std::uint64_t tick = tick_of(timer.deadline_);
  if (tick <= tick_) return;
  // It may have been in due_ or expired_ instead; then its place's bit is right as it is.
  const Place place = place_of(tick);
  if (list_empty(slots_[place.level][place.slot])) {
    occupied_[place.level] &= ~(std::uint64_t{1} << place.slot);
  }
}

std::size_t TimerWheel::advance(Instant now) {
  CHECK(!firing_);
  CHECK_GE(now.ns, now_.ns);
  now_ = now;
  splice_back(expired_, due_);
  collect(static_cast<std::uint64_t>(now.ns / kTick.ns));
  return fire(now);
}

// Brings tick_ to `target`, from one occupied slot to the next, and what is due on to expired_.
void TimerWheel::collect(std::uint64_t target) {
  while (any_occupied()) {
    const Place place = first_place();
    const std::uint64_t begin = first_tick(place);
    CHECK_GT(begin, tick_);
    if (begin > target) break;
    tick_ = begin;
    occupied_[place.level] &= ~(std::uint64_t{1} << place.slot);
    cascade(slots_[place.level][place.slot]);
  }
  tick_ = target;
}

// The wheel has come to this slot: its timers are due or belong to lower levels now.
void TimerWheel::cascade(Link& slot) {
  while (!list_empty(slot)) {
    Timer& timer = timer_of(*slot.next);
    unlink(timer);
    const std::uint64_t tick = tick_of(timer.deadline_);
    if (tick == tick_) {
      push_back(expired_, timer);
    } else {
      insert(timer, tick);
    }
  }
}

// Handlers may change every list, this one too: nothing but its head is remembered between two.
std::size_t TimerWheel::fire(Instant now) {
  std::size_t fired = 0;
  firing_ = true;
  while (!list_empty(expired_)) {
    Timer& timer = timer_of(*expired_.next);
    unlink(timer);
    --size_;
    ++fired;
    timer.handler_->on_timer(timer, now);
  }
  firing_ = false;
  return fired;
}

Instant TimerWheel::next_deadline() const {
  if (empty()) return Instant::never();
  if (!list_empty(due_) || !list_empty(expired_)) return now_;
  // The tick of never() itself lies past the last Instant.
  const auto latest = static_cast<std::uint64_t>(Instant::never().ns / kTick.ns);
  const std::uint64_t tick = std::min(first_tick(first_place()), latest);
  return Instant{static_cast<std::int64_t>(tick) * kTick.ns};
}

std::uint64_t TimerWheel::tick_of(Instant deadline) {
  const std::int64_t part = deadline.ns % kTick.ns;
  return static_cast<std::uint64_t>(deadline.ns / kTick.ns + (part > 0 ? 1 : 0));
}

TimerWheel::Place TimerWheel::place_of(std::uint64_t tick) const {
  CHECK_GT(tick, tick_);
  const int highest_bit = static_cast<int>(std::bit_width(tick ^ tick_)) - 1;
  const int level = highest_bit / kSlotBits;
  return {level, tick >> (level * kSlotBits) & (kSlots - 1)};
}

bool TimerWheel::any_occupied() const {
  return std::any_of(occupied_.begin(), occupied_.end(), [](std::uint64_t bits) { return bits; });
}

TimerWheel::Place TimerWheel::first_place() const {
  int level = 0;
  while (occupied_[level] == 0) {
    ++level;
    CHECK_LT(level, kLevels);
  }
  return {level, static_cast<std::uint64_t>(std::countr_zero(occupied_[level]))};
}

std::uint64_t TimerWheel::first_tick(Place place) const {
  const int low_bits = place.level * kSlotBits;
  const std::uint64_t above = tick_ >> (low_bits + kSlotBits) << (low_bits + kSlotBits);
  return above | place.slot << low_bits;
}

void TimerWheel::insert(Timer& timer, std::uint64_t tick) {
  const Place place = place_of(tick);
  push_back(slots_[place.level][place.slot], timer);
  occupied_[place.level] |= std::uint64_t{1} << place.slot;
}

void TimerWheel::validate() const {
  std::size_t count = validate_list(due_) + validate_list(expired_);
  CHECK(firing_ || list_empty(expired_));
  for (int level = 0; level < kLevels; ++level) {
    for (std::uint64_t slot = 0; slot < kSlots; ++slot) count += validate_slot({level, slot});
  }
  CHECK_EQ(count, size_);
  for (const Link* link = due_.next; link != &due_; link = link->next) {
    CHECK_LE(static_cast<const Timer*>(link)->deadline_.ns, now_.ns);
  }
}

std::size_t TimerWheel::validate_slot(Place place) const {
  const Link& head = slots_[place.level][place.slot];
  const bool bit = (occupied_[place.level] >> place.slot & 1) != 0;
  CHECK_EQ(bit, !list_empty(head));
  for (const Link* link = head.next; link != &head; link = link->next) {
    const std::uint64_t tick = tick_of(static_cast<const Timer*>(link)->deadline_);
    const Place right = place_of(tick);
    CHECK_EQ(right.level, place.level);
    CHECK_EQ(right.slot, place.slot);
    CHECK_LE(next_deadline().ns / kTick.ns, static_cast<std::int64_t>(tick));
  }
  return validate_list(head);
}

std::size_t TimerWheel::validate_list(const Link& head) {
  std::size_t count = 0;
  for (const Link* link = &head; link->next != &head; link = link->next) {
    CHECK(link->next != nullptr);
    CHECK_EQ(static_cast<const void*>(link->next->prev), static_cast<const void*>(link));
    ++count;
  }
  CHECK_EQ(static_cast<const void*>(head.prev->next), static_cast<const void*>(&head));
  return count;
}

}  // namespace millrace

// Timers of one shard: a hierarchical timing wheel with intrusive nodes.
//
// A Timer is embedded in its owner and costs no allocation. Arming, re-arming and cancelling are
// O(1); advance(now) fires what is due, in order of its tick, at most one tick (kTick) late and
// never early. A timer that is armed is on exactly one list; destroying an armed timer is a bug
// (CHECK). No deadline is beyond the wheel's range: its levels span all of Instant.
//
// Owner: the reactor of a shard. Not thread-safe. No clock inside: `now` is an argument.
//
// Invariants:
//  1. A timer fires once per arming, and is disarmed before its handler runs, so that the handler
//     may arm it again, cancel any other timer, or destroy its owner.
//  2. next_deadline() is never later than the earliest armed timer's tick.
//  3. A timer waits in the level of the highest digit (base kSlots) in which its tick differs from
//     tick_, in the slot of that digit. So all of a level is earlier than all of the next one, and
//     every slot that holds something is ahead of tick_'s own digit.
//  4. A bit of occupied_ is set exactly if its slot holds a timer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time/instant.h"

namespace millrace {

class TimerWheel;
class Timer;

// What a timer calls. One handler serves many timers (a connection table serves its connections).
class TimerHandler {
 public:
  virtual void on_timer(Timer& timer, Instant now) = 0;

 protected:
  ~TimerHandler() = default;
};

namespace internal {

// A node of a circular list; an empty list's head points at itself.
struct TimerLink {
  TimerLink* prev = nullptr;
  TimerLink* next = nullptr;
};

}  // namespace internal

class Timer : private internal::TimerLink {
 public:
  Timer() = default;
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool armed() const { return next != nullptr; }
  // REQUIRES: armed().
  [[nodiscard]] Instant deadline() const { return deadline_; }

 private:
  friend class TimerWheel;
  Instant deadline_{};
  TimerHandler* handler_ = nullptr;
};

static_assert(sizeof(Timer) == 32, "every connection has some");

class TimerWheel {
 public:
  // One tick. A deadline is rounded up to the next tick.
  static constexpr Duration kTick = milliseconds(4);

  // REQUIRES: now.ns >= 0.
  explicit TimerWheel(Instant now);
  ~TimerWheel();  // REQUIRES: empty()
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms (or re-arms) the timer. A deadline in the past fires at the next advance(), never in the
  // one that is running. `handler` must remain live while the timer is armed.
  void arm(Timer& timer, Instant deadline, TimerHandler& handler);
  // No effect on a timer that is not armed.
  void cancel(Timer& timer);
  // Fires everything due at `now`. Returns how many fired. Not from inside a handler.
  // REQUIRES: `now` is not before the last one.
  std::size_t advance(Instant now);
  // When the wheel next wants advance(), or Instant::never() if no timer is armed.
  [[nodiscard]] Instant next_deadline() const;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // Walks all lists and CHECKs the invariants. O(n): tests only.
  void validate() const;

 private:
  using Link = internal::TimerLink;
  static constexpr int kLevels = 7;
  static constexpr int kSlotBits = 6;
  static constexpr std::uint64_t kSlots = 1U << kSlotBits;
  static_assert(static_cast<std::uint64_t>(Instant::never().ns) / kTick.ns <
                    std::uint64_t{1} << (kLevels * kSlotBits),
                "every Instant has its slot");

  struct Place {
    int level;
    std::uint64_t slot;
  };

  static std::uint64_t tick_of(Instant deadline);
  static Timer& timer_of(Link& link) { return static_cast<Timer&>(link); }
  // REQUIRES: tick > tick_.
  [[nodiscard]] Place place_of(std::uint64_t tick) const;
  // The occupied slot that begins first, and its first tick. REQUIRES: one is occupied.
  [[nodiscard]] Place first_place() const;
  [[nodiscard]] std::uint64_t first_tick(Place place) const;
  [[nodiscard]] bool any_occupied() const;

  void insert(Timer& timer, std::uint64_t tick);
  void collect(std::uint64_t target);
  void cascade(Link& slot);
  std::size_t fire(Instant now);
  std::size_t validate_slot(Place place) const;
  static std::size_t validate_list(const Link& head);

  Instant now_;         // of the last advance()
  std::uint64_t tick_;  // the last tick that advance() finished
  std::size_t size_ = 0;
  bool firing_ = false;
  Link due_;      // armed with a deadline in the past: for the next advance()
  Link expired_;  // collected by the advance() that is running; its handlers still have to run
  std::array<std::uint64_t, kLevels> occupied_{};
  std::array<std::array<Link, kSlots>, kLevels> slots_;  // list heads
};

}  // namespace millrace

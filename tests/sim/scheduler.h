// Simulated time: what happens, in order, and nothing in between.
//
// Two things due at the same instant happen in the order in which they were asked for, so that a
// seed replays the same way on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "core/time/clock.h"

namespace millrace::sim {

class Scheduler final : public Clock {
 public:
  [[nodiscard]] Instant now() override { return now_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  // Of all instants at which something happened: equal for equal runs.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

  void in(Duration delay, std::function<void()> what) {
    due_.push({now_ + delay, ++asked_, std::move(what)});
  }

  // Does the next thing. False if there is none before `until`; then it is `until`.
  bool step(Instant until) {
    if (due_.empty() || due_.top().when > until) {
      now_ = until;
      return false;
    }
    // The queue gives no way to move its top out, and it is popped at once.
    Due next = std::move(const_cast<Due&>(due_.top()));
    due_.pop();
    now_ = next.when;
    ++steps_;
    digest_ = (digest_ ^ static_cast<std::uint64_t>(now_.ns)) * 0x100000001b3U + next.asked;
    next.what();
    return true;
  }

 private:
  struct Due {
    Instant when;
    std::uint64_t asked;
    std::function<void()> what;
    bool operator<(const Due& other) const {
      return std::pair(other.when, other.asked) < std::pair(when, asked);
    }
  };

  Instant now_{1'000'000'000};
  std::uint64_t steps_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325U;
  std::priority_queue<Due> due_;
};

}  // namespace millrace::sim

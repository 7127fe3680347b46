// Whether it makes sense to ask: who did not answer several times in a row is given a pause.
//
//   closed --failures in a row--> open --pause--> half-open --its one trial--> closed, or open
//   again
//
// While it is open nobody is asked, so that its askers hear at once that it can't be, and what
// comes back to life is not trampled on. What was asked before it opened and is answered later
// changes nothing: that may have been in a queue for long.
//
// Pure; time is an argument. Owner: one a method and shard. Limits: BreakerLimits.
#pragma once

#include <cstdint>

#include "core/time/instant.h"

namespace millrace {

struct BreakerLimits {
  std::uint32_t failures = 5;   // in a row; 0: it never opens
  Duration pause = seconds(1);  // until the next trial
};

class CircuitBreaker {
 public:
  enum class State : std::uint8_t { kClosed, kHalfOpen, kOpen };
  enum class Verdict : std::uint8_t {
    kAsk,
    kTrial,  // the only one that is asked; all depends on it
    kRefuse,
  };

  [[nodiscard]] Verdict may_ask(Instant now);
  // What became of it, once for each that was asked; `trial` as may_ask() said.
  void succeeded(bool trial);
  void failed(bool trial, const BreakerLimits& limits, Instant now);
  // Nobody waited for the answer.
  void abandoned(bool trial);

  [[nodiscard]] State state() const { return state_; }

 private:
  State state_ = State::kClosed;
  bool trial_out_ = false;
  std::uint32_t failures_ = 0;  // in a row
  Instant until_{};             // it is open
};

}  // namespace millrace

#include "net/proxy/circuit_breaker.h"

namespace millrace {

CircuitBreaker::Verdict CircuitBreaker::may_ask(Instant now) {
  if (state_ == State::kClosed) return Verdict::kAsk;
  if (state_ == State::kOpen) {
    if (now < until_) return Verdict::kRefuse;
    state_ = State::kHalfOpen;
  }
  if (trial_out_) return Verdict::kRefuse;
  trial_out_ = true;
  return Verdict::kTrial;
}

void CircuitBreaker::succeeded(bool trial) {
  if (trial) {
    trial_out_ = false;
    state_ = State::kClosed;
  }
  if (state_ == State::kClosed) failures_ = 0;
}

void CircuitBreaker::failed(bool trial, const BreakerLimits& limits, Instant now) {
  if (trial) trial_out_ = false;
  if (!trial && state_ != State::kClosed) return;
  if (limits.failures == 0) {
    state_ = State::kClosed;
    return;
  }
  if (!trial && ++failures_ < limits.failures) return;
  state_ = State::kOpen;
  until_ = now + limits.pause;
  failures_ = 0;
}

void CircuitBreaker::abandoned(bool trial) {
  if (trial) trial_out_ = false;
}

}  // namespace millrace

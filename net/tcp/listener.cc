#include "net/tcp/listener.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

ListenerSet::ListenerSet(Reactor& reactor, AcceptHandler& handler, ShardMetrics& metrics,
                         AcceptGate* gate)
    : reactor_(reactor), handler_(handler), metrics_(metrics), gate_(gate) {
  reactor_.route(OpKind::kAccept, *this);
  reactor_.route(OpKind::kCancelAccept, *this);
}

ListenerSet::~ListenerSet() {
  reactor_.timers().cancel(room_timer_);
  reactor_.timers().cancel(backoff_timer_);
  CHECK(idle());
}

std::uint32_t ListenerSet::add(int fd, std::uint32_t bank) {
  CHECK_GT(bank, 0U);
  for (std::uint32_t i = 0; i < bank; ++i) {
    accepts_.push_back(std::make_unique<Accept>());
    accepts_.back()->fd = fd;
    accepts_.back()->listener = listeners_;
    arm(static_cast<std::uint32_t>(accepts_.size() - 1));
  }
  return listeners_++;
}

void ListenerSet::arm(std::uint32_t index) {
  Accept& accept = *accepts_[index];
  CHECK(!accept.in_flight);
  accept.in_flight = true;
  accept.peer = PeerAddress{};
  ++armed_;
  ++in_flight_;
  reactor_.ring().submit(Op::accept({OpKind::kAccept, 0, index}, accept.fd, accept.peer));
}

void ListenerSet::arm_waiting(Instant now) {
  if (stopping_) return;
  while (!waiting_.empty() && (gate_ == nullptr || armed_ < gate_->room(now))) {
    const std::uint32_t index = waiting_.front();
    waiting_.pop_front();
    arm(index);
  }
  if (waiting_.empty() || room_timer_.armed()) return;
  const Instant at = gate_->next_room(now);
  if (at != Instant::never()) reactor_.timers().arm(room_timer_, at, *this);
}

void ListenerSet::on_completion(const CompletionEvent& event, Instant now) {
  CHECK_LT(event.tag.index, accepts_.size());
  Accept& accept = *accepts_[event.tag.index];
  CHECK_GT(in_flight_, 0U);
  --in_flight_;
  if (event.tag.kind == OpKind::kCancelAccept) {
    CHECK(accept.cancel_in_flight);
    accept.cancel_in_flight = false;
    return;
  }
  CHECK(accept.in_flight);
  accept.in_flight = false;
  --armed_;
  if (event.error == IoError::kNone) {
    ++metrics_.accepts_total;
    backoff_ = kShortestBackoff;
    handler_.on_accept(FileSlot{event.result}, Peer::from(accept.peer), accept.listener, now);
  } else if (event.error != IoError::kCanceled && event.error != IoError::kDisconnect) {
    // kDisconnect: the peer left the queue before we took it out; nothing is short.
    ++metrics_.accept_errors_total;
    accept.held_back = true;
    back_off(now);
    return;
  }
  waiting_.push_back(event.tag.index);
  arm_waiting(now);
}

void ListenerSet::back_off(Instant now) {
  if (stopping_ || backoff_timer_.armed() || mutated(Mutant::kAcceptNotRearmed)) return;
  reactor_.timers().arm(backoff_timer_, now + backoff_, *this);
  backoff_ = std::min(backoff_ * 2, kLongestBackoff);
}

void ListenerSet::on_timer(Timer& timer, Instant now) {
  if (stopping_) return;
  if (&timer == &backoff_timer_) {
    for (std::uint32_t i = 0; i < accepts_.size(); ++i) {
      if (!accepts_[i]->held_back) continue;
      accepts_[i]->held_back = false;
      waiting_.push_back(i);
    }
  }
  arm_waiting(now);
}

void ListenerSet::stop() {
  if (stopping_) return;
  stopping_ = true;
  reactor_.timers().cancel(room_timer_);
  reactor_.timers().cancel(backoff_timer_);
  for (std::uint32_t i = 0; i < accepts_.size(); ++i) {
    Accept& accept = *accepts_[i];
    if (!accept.in_flight) continue;
    accept.cancel_in_flight = true;
    ++in_flight_;
    reactor_.ring().submit(Op::cancel({OpKind::kCancelAccept, 0, i}, {OpKind::kAccept, 0, i}));
  }
}

}  // namespace millrace

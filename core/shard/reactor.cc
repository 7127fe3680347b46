#include "core/shard/reactor.h"

#include <algorithm>

#include "core/base/assert.h"

namespace millrace {

Reactor::Reactor(Ring& ring, Clock& clock)
    : ring_(ring), clock_(clock), timers_(clock.now()), waker_(ring), events_(kBatch) {}

void Reactor::route(OpKind kind, CompletionHandler& handler) {
  auto& slot = handlers_.at(static_cast<std::size_t>(kind));
  CHECK(slot == nullptr);
  slot = &handler;
}

void Reactor::add_source(InboundSource& source) { sources_.push_back(&source); }

void Reactor::add_turn_end(TurnEnd& turn_end) { turn_ends_.push_back(&turn_end); }

void Reactor::turn(Duration longest_wait) {
  ring_.wait(work(longest_wait));
  resume();
}

Duration Reactor::work(Duration longest_wait) {
  const Instant now = clock_.now();
  ++stats_.turns;
  run_completions(now);
  stats_.timers_fired += timers_.advance(now);
  for (InboundSource* source : sources_) source->drain(now);
  for (TurnEnd* turn_end : turn_ends_) turn_end->flush(now);
  const Instant done = clock_.now();
  stats_.longest_turn = std::max(stats_.longest_turn, done - now);
  return prepare_sleep(longest_wait, done);
}

void Reactor::run_completions(Instant now) {
  const std::size_t count = ring_.reap(events_);
  batch_was_full_ = count == events_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const CompletionEvent& event = events_[i];
    const auto kind = static_cast<std::size_t>(event.tag.kind);
    CHECK_LT(kind, handlers_.size());
    CHECK(handlers_[kind] != nullptr);
    handlers_[kind]->on_completion(event, now);
  }
}

Duration Reactor::prepare_sleep(Duration longest_wait, Instant now) {
  const Instant deadline = timers_.next_deadline();
  Duration wait = longest_wait;
  if (deadline != Instant::never()) wait = std::min(wait, deadline - now);
  if (wait.ns < 0 || batch_was_full_) wait = Duration{};
  // Announce the sleep first and look once more then: a producer that came before saw us awake.
  waker_.about_to_sleep();
  if (has_work() || stopping()) wait = Duration{};
  return wait;
}

bool Reactor::has_work() const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [](const InboundSource* source) { return source->ready(); }) ||
         std::any_of(turn_ends_.begin(), turn_ends_.end(),
                     [](const TurnEnd* turn_end) { return turn_end->unfinished(); });
}

void Reactor::run() {
  while (!stopping()) turn(seconds(1));
}

void Reactor::stop() {
  stopping_.store(true, std::memory_order_release);
  waker_.wake();
}

}  // namespace millrace

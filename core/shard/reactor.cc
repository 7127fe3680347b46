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

void Reactor::add_source(InboundSource& source, const char* name) {
  sources_.push_back({&source, name});
}

void Reactor::add_turn_end(TurnEnd& turn_end, const char* name) {
  turn_ends_.push_back({&turn_end, name});
}

void Reactor::turn(Duration longest_wait) {
  ring_.wait(work(longest_wait));
  resume();
}

Duration Reactor::work(Duration longest_wait) {
  const Instant now = clock_.now();
  ++stats_.turns;
  // Late out of a wait: the kernel had much to submit, or the thread did not run.
  if (wait_ends_ != Instant::never()) note_long(now - wait_ends_);
  heartbeat_->turn_begins(now);
  run_completions(now);
  heartbeat_->doing(Heartbeat::kTimers);
  // What has come in time must not be judged as late because there is more of it than a batch.
  full_batches_ = batch_was_full_ ? full_batches_ + 1 : 0;
  if (full_batches_ % (kMostFullBatches + 1) == 0) stats_.timers_fired += timers_.advance(now);
  for (const Source& from : sources_) {
    heartbeat_->doing(from.name);
    from.source->drain(now);
  }
  for (const End& end : turn_ends_) {
    heartbeat_->doing(end.name);
    end.turn_end->flush(now);
  }
  const Instant done = clock_.now();
  stats_.longest_turn = std::max(stats_.longest_turn, done - now);
  note_long(done - now);
  const Duration wait = prepare_sleep(longest_wait, done);
  wait_ends_ = done + wait;
  heartbeat_->doing(Heartbeat::kWait);
  heartbeat_->waits_until(wait_ends_);
  return wait;
}

void Reactor::note_long(Duration took) {
  if (took <= Heartbeat::kLongTurn) return;
  ++stats_.long_turns;
  heartbeat_->long_turn(took);
}

void Reactor::run_completions(Instant now) {
  heartbeat_->doing(Heartbeat::kReap);
  const std::size_t count = ring_.reap(events_);
  heartbeat_->completions(count);
  heartbeat_->doing(Heartbeat::kCompletions);
  batch_was_full_ = count == events_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const CompletionEvent& event = events_[i];
    const auto kind = static_cast<std::size_t>(event.tag.kind);
    CHECK_LT(kind, handlers_.size());
    CHECK(handlers_[kind] != nullptr);
    heartbeat_->completion(event.tag);
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
                     [](const Source& from) { return from.source->ready(); }) ||
         std::any_of(turn_ends_.begin(), turn_ends_.end(),
                     [](const End& end) { return end.turn_end->unfinished(); });
}

void Reactor::run() {
  while (!stopping()) turn(seconds(1));
  heartbeat_->ends();
}

void Reactor::stop() {
  stopping_.store(true, std::memory_order_release);
  waker_.wake();
}

}  // namespace millrace

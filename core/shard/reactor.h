// The loop of one shard. A turn is:
//
//   reap completions -> run their handlers -> timers(now) -> inbound sources -> flush -> wait
//
// Timers wait while more completions are there than a turn takes: a deadline is judged only after
// what came before it.
//
// Completions are collected first and run from the loop, never from inside the reaping code, so
// that the stack stays flat and a simulator decides their order. The clock is read once a turn,
// here and nowhere below.
//
// Owner: a shard; used on its thread only, except stop().
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "core/ring/ring.h"
#include "core/shard/heartbeat.h"
#include "core/shard/waker.h"
#include "core/time/clock.h"
#include "core/time/timer_wheel.h"

namespace millrace {

// Gets the completions of one kind of operation.
class CompletionHandler {
 public:
  virtual void on_completion(const CompletionEvent& event, Instant now) = 0;

 protected:
  ~CompletionHandler() = default;
};

// A source of work besides the kernel: mailboxes, the NATS inbox.
class InboundSource {
 public:
  // Does what has arrived.
  virtual void drain(Instant now) = 0;
  // True if there is something to drain. Called before sleeping.
  [[nodiscard]] virtual bool ready() const = 0;

 protected:
  ~InboundSource() = default;
};

// Work that is done once at the end of a turn for all that the turn did: gathered sends.
class TurnEnd {
 public:
  virtual void flush(Instant now) = 0;
  // True if flush() left something for the next turn, which then comes at once.
  [[nodiscard]] virtual bool unfinished() const { return false; }

 protected:
  ~TurnEnd() = default;
};

struct ReactorStats {
  std::uint64_t turns = 0;
  std::uint64_t timers_fired = 0;
  // Longer than Heartbeat::kLongTurn, or that late out of a wait.
  std::uint64_t long_turns = 0;
  Duration longest_turn{};
};

class Reactor {
 public:
  // Both must outlive the reactor.
  Reactor(Ring& ring, Clock& clock);

  // Set up before the first turn; what is given must remain live until the last.
  void route(OpKind kind, CompletionHandler& handler);
  // Names are literals: what the shard is said to be doing.
  void add_source(InboundSource& source, const char* name = "what came in");
  void add_turn_end(TurnEnd& turn_end, const char* name = "the end of the turn");
  // Where it tells what it does; without one it tells nobody.
  void set_heartbeat(Heartbeat& heartbeat) { heartbeat_ = &heartbeat; }

  // One turn. Waits at most `longest_wait` for something to do.
  void turn(Duration longest_wait);
  // A turn in its parts, for a simulator, which plays the wait between them: work() does everything
  // before the wait, announces the sleep and says how long it may last; resume() ends it.
  [[nodiscard]] Duration work(Duration longest_wait);
  void resume() { waker_.awake(); }
  // Turns until stop().
  void run();
  // Any thread's.
  void stop();

  [[nodiscard]] Ring& ring() { return ring_; }
  [[nodiscard]] TimerWheel& timers() { return timers_; }
  [[nodiscard]] Waker& waker() { return waker_; }
  [[nodiscard]] const ReactorStats& stats() const { return stats_; }
  // True if the next turn has something to do that no completion or timer stands for.
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] bool stopping() const { return stopping_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kBatch = 1'024;  // completions a turn; the rest come next turn

  struct Source {
    InboundSource* source;
    const char* name;
  };
  struct End {
    TurnEnd* turn_end;
    const char* name;
  };

  void run_completions(Instant now);
  void note_long(Duration took);
  [[nodiscard]] Duration prepare_sleep(Duration longest_wait, Instant now);

  Ring& ring_;
  Clock& clock_;
  TimerWheel timers_;
  Waker waker_;
  std::array<CompletionHandler*, kOpKinds> handlers_{};
  std::vector<Source> sources_;
  std::vector<End> turn_ends_;
  std::vector<CompletionEvent> events_;
  Heartbeat own_heartbeat_;
  Heartbeat* heartbeat_ = &own_heartbeat_;
  Instant wait_ends_ = Instant::never();
  // So many turns in a row may leave timers to a later one for the sake of completions that wait:
  // enough for all that a completion queue holds.
  static constexpr std::uint32_t kMostFullBatches = 64;

  bool batch_was_full_ = false;
  std::uint32_t full_batches_ = 0;  // in a row
  std::atomic<bool> stopping_{false};
  ReactorStats stats_;
};

}  // namespace millrace

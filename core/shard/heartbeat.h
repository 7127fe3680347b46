// What a shard is doing, for whoever watches it from another thread (net/server/watchdog.h).
//
// The shard alone writes, and only with relaxed stores, which are plain moves: a few a turn and one
// a completion. A watcher may therefore see parts that belong to two moments; what it says about a
// shard that is stuck is right, because then nothing is written.
//
// Owner: what the shards share; one a shard. Must outlive the shard's reactor.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/ring/io_error.h"
#include "core/ring/op.h"
#include "core/time/instant.h"

namespace millrace {

class alignas(64) Heartbeat {
 public:
  // A turn that takes longer keeps clients waiting for all to see.
  static constexpr Duration kLongTurn = milliseconds(100);

  // What a watcher sees.
  struct Look {
    // Changes with every turn and every wait; 0 while there is neither.
    std::uint64_t beat = 0;
    bool waiting = false;
    // When the turn began, or when the wait is over at the latest.
    Instant at{};
    std::uint64_t long_turns = 0;  // all so far
    Duration last_long{};
    std::uint64_t last_long_completions = 0;
  };

  // --- The shard's.
  void turn_begins(Instant now) { beat_.store(word(now, false), std::memory_order_relaxed); }
  // `part` of a turn begins. It must be a literal.
  void doing(const char* part) { part_.store(part, std::memory_order_relaxed); }
  void completions(std::uint64_t count) { count_.store(count, std::memory_order_relaxed); }
  void completion(OpTag tag) { tag_.store(tag.pack(), std::memory_order_relaxed); }
  void long_turn(Duration took) {
    last_long_.store(took.ns, std::memory_order_relaxed);
    last_long_completions_.store(count_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    long_turns_.store(long_turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void waits_until(Instant end) { beat_.store(word(end, true), std::memory_order_relaxed); }
  // No turn follows.
  void ends() { beat_.store(0, std::memory_order_relaxed); }

  // --- Any thread's.
  [[nodiscard]] Look look() const {
    const std::uint64_t beat = beat_.load(std::memory_order_relaxed);
    return {.beat = beat,
            .waiting = (beat & 1) != 0,
            .at = Instant{static_cast<std::int64_t>(beat >> 1)},
            .long_turns = long_turns_.load(std::memory_order_relaxed),
            .last_long = Duration{last_long_.load(std::memory_order_relaxed)},
            .last_long_completions = last_long_completions_.load(std::memory_order_relaxed)};
  }
  // The part of the turn, in words: "completions, 17 of this turn, at recv of 4711".
  [[nodiscard]] std::string activity() const {
    const char* part = part_.load(std::memory_order_relaxed);
    if (part != kCompletions) return part;
    const OpTag tag = OpTag::unpack(tag_.load(std::memory_order_relaxed));
    return std::string(part) + ", " + std::to_string(count_.load(std::memory_order_relaxed)) +
           " of this turn, at " + op_name(tag.kind) + " of " + std::to_string(tag.index);
  }

  // Arrays, so that each has one address in all of the program: activity() compares it.
  static constexpr char kStart[] = "its start";
  static constexpr char kReap[] = "taking completions";
  static constexpr char kCompletions[] = "completions";
  static constexpr char kTimers[] = "timers";
  static constexpr char kWait[] = "in the kernel, or without a core";

 private:
  // An instant is not negative and far below 2^62: 146 years of the monotonic clock.
  static std::uint64_t word(Instant at, bool waiting) {
    return static_cast<std::uint64_t>(at.ns) << 1 | static_cast<std::uint64_t>(waiting);
  }

  std::atomic<std::uint64_t> beat_{0};
  std::atomic<const char*> part_{kStart};
  std::atomic<std::uint64_t> tag_{0};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> long_turns_{0};
  std::atomic<std::int64_t> last_long_{0};
  std::atomic<std::uint64_t> last_long_completions_{0};
};

static_assert(sizeof(Heartbeat) == 64, "one line of the cache a shard, so that none slows another");

}  // namespace millrace

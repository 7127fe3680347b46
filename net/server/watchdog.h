// Watches the shards from outside: who is in one turn, or late out of a wait, for longer than
// Heartbeat::kLongTurn is named in the log with what it is doing, while it is stuck and when it
// goes on; turns that were that long between two looks are told of as well.
//
// A shard counts as late out of a wait if its time is over, or if another thread has woken it. (A
// client's bytes wake it too, but only the kernel knows that.)
//
// If the watchdog itself did not run for that long, the whole process or machine may have stood
// still: it says that, and blames nobody for it.
//
// Owner: the admin shard. It reads the shards' heartbeats and touches nothing else of theirs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/limit/log_limiter.h"
#include "core/shard/heartbeat.h"

namespace millrace {

class Watchdog {
 public:
  static constexpr Duration kBetweenLooks = milliseconds(50);

  // Both must outlive it; `woken` tells if a shard is awake or was asked to be
  // (MailboxNetwork::awake_or_asked).
  Watchdog(std::span<const Heartbeat> shards, std::function<bool(std::size_t)> woken);

  // To be called every kBetweenLooks. What is to be logged as warnings.
  [[nodiscard]] std::vector<std::string> look(Instant now);
  // "busy for 230 ms: timers", or "" if the shard is not stuck.
  [[nodiscard]] std::string stuck(std::size_t shard, Instant now) const;
  // How long it has been so; nothing if it is not stuck.
  [[nodiscard]] Duration stuck_for(std::size_t shard, Instant now) const;
  // How often each shard was late, whether it was seen at it or has told so afterwards.
  [[nodiscard]] std::span<const std::uint64_t> stalls() const { return stalls_; }

 private:
  struct Watched {
    std::uint64_t stuck_beat = 0;  // in which it was found stuck; 0: it goes on
    Instant stuck_since{};
    std::uint64_t woken_beat = 0;  // the wait in which it was first found woken
    Instant woken_at{};
    std::uint64_t long_turns = 0;  // as last seen
  };

  [[nodiscard]] Instant late_since(const Heartbeat::Look& look, Watched& watched, std::size_t shard,
                                   Instant now) const;
  [[nodiscard]] std::string words(std::size_t shard, Instant since, Instant now) const;
  void look_at(std::size_t shard, Instant now, std::vector<std::string>& lines);
  void say(std::string line, Instant now, std::vector<std::string>& lines);

  static constexpr std::uint32_t kLogLines = 10;
  static constexpr Duration kLogInterval = seconds(10);

  const std::span<const Heartbeat> shards_;
  const std::function<bool(std::size_t)> woken_;
  std::vector<Watched> watched_;
  std::vector<std::uint64_t> stalls_;
  Instant last_look_ = Instant::never();
  LogLimiter log_{kLogLines, kLogInterval};
};

}  // namespace millrace

#include "net/server/watchdog.h"

#include <utility>

namespace millrace {

Watchdog::Watchdog(std::span<const Heartbeat> shards, std::function<bool(std::size_t)> woken)
    : shards_(shards), woken_(std::move(woken)), watched_(shards.size()), stalls_(shards.size()) {}

std::vector<std::string> Watchdog::look(Instant now) {
  std::vector<std::string> lines;
  const bool late =
      last_look_ != Instant::never() && now - last_look_ > kBetweenLooks + Heartbeat::kLongTurn;
  if (late) {
    say("the watchdog did not run for " + std::to_string((now - last_look_).to_ms()) +
            " ms: the process, or the machine, stood still or was very busy",
        now, lines);
  }
  last_look_ = now;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    // What stood still with us had no time yet to go on.
    if (late) watched_[shard].woken_beat = 0;
    if (!late) look_at(shard, now, lines);
  }
  return lines;
}

// Since when it owes us a sign of life; `now` if it owes none.
Instant Watchdog::late_since(const Heartbeat::Look& look, Watched& watched, std::size_t shard,
                             Instant now) const {
  if (look.beat == 0) return now;
  if (!look.waiting) return look.at;
  if (!woken_(shard)) {
    watched.woken_beat = 0;
  } else if (watched.woken_beat != look.beat) {
    watched.woken_beat = look.beat;
    watched.woken_at = now;
  }
  return watched.woken_beat == look.beat && watched.woken_at < look.at ? watched.woken_at : look.at;
}

void Watchdog::look_at(std::size_t shard, Instant now, std::vector<std::string>& lines) {
  Watched& watched = watched_[shard];
  const Heartbeat::Look look = shards_[shard].look();
  const std::string name = "shard " + std::to_string(shard);
  const bool more = look.long_turns != watched.long_turns;
  watched.long_turns = look.long_turns;
  if (watched.stuck_beat != 0 && look.beat != watched.stuck_beat) {
    say(name + " goes on after " + std::to_string((now - watched.stuck_since).to_ms()) + " ms", now,
        lines);
    watched.stuck_beat = 0;
  } else if (more) {
    ++stalls_[shard];
    say(name + " was busy, or late, for " + std::to_string(look.last_long.to_ms()) + " ms (" +
            std::to_string(look.last_long_completions) + " completions)",
        now, lines);
  }
  const Instant since = late_since(look, watched, shard, now);
  if (now - since <= Heartbeat::kLongTurn || watched.stuck_beat == look.beat) return;
  watched.stuck_beat = look.beat;
  watched.stuck_since = since;
  ++stalls_[shard];
  say(name + " is " + words(shard, since, now), now, lines);
}

std::string Watchdog::words(std::size_t shard, Instant since, Instant now) const {
  return (shards_[shard].look().waiting ? "late for " : "busy for ") +
         std::to_string((now - since).to_ms()) + " ms: " + shards_[shard].activity();
}

std::string Watchdog::stuck(std::size_t shard, Instant now) const {
  if (stuck_for(shard, now) == Duration{}) return "";
  return words(shard, watched_[shard].stuck_since, now);
}

Duration Watchdog::stuck_for(std::size_t shard, Instant now) const {
  const Watched& watched = watched_[shard];
  if (watched.stuck_beat == 0 || shards_[shard].look().beat != watched.stuck_beat) return {};
  return now - watched.stuck_since;
}

void Watchdog::say(std::string line, Instant now, std::vector<std::string>& lines) {
  if (log_.allow(now)) lines.push_back(std::move(line) + log_.suppressed_note());
}

}  // namespace millrace

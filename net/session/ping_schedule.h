// When the clients of a shard are pinged: those whose pings are due soon go together, so that a
// shard of many clients wakes up a few times a second for them, and not each tick of its timers.
//
// A ping is early by less than one step: so who was pinged at the begin of a step is pinged at the
// begin of one again, and clients, which wait for a ping no longer than they were told, never wait
// in vain. A step is short enough that only about kTogether clients are due in it, and at most
// kLongestStep; it begins at a random point of time in each shard, or shards would wake up
// together. Pure; time is an argument. Owner: the shard, for its sessions.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/time/instant.h"

namespace millrace {

class PingSchedule {
 public:
  static constexpr Duration kLongestStep = milliseconds(200);
  static constexpr std::int64_t kTogether = 128;  // clients

  // REQUIRES: interval > 0.
  PingSchedule(Duration interval, std::uint64_t random)
      : interval_(interval), phase_(random % static_cast<std::uint64_t>(kLongestStep.ns)) {}

  // The begin of the step that `due` falls into, with so many clients on the shard.
  [[nodiscard]] Instant round_down(Instant due, std::uint64_t clients) const {
    const auto step = static_cast<std::uint64_t>(step_for(clients).ns);
    const std::uint64_t into = (static_cast<std::uint64_t>(due.ns) + phase_) % step;
    return due - nanoseconds(static_cast<std::int64_t>(into));
  }

  [[nodiscard]] Duration step_for(std::uint64_t clients) const {
    const std::int64_t fair =
        interval_.ns / static_cast<std::int64_t>(std::max<std::uint64_t>(clients, 1)) * kTogether;
    return nanoseconds(std::clamp<std::int64_t>(fair, 1, kLongestStep.ns));
  }

 private:
  Duration interval_;
  std::uint64_t phase_;
};

}  // namespace millrace

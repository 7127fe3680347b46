// A presence table on a clock of its own, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/hub/presence_table.h"
#include "core/metrics/shard_metrics.h"

namespace millrace {

inline constexpr PresenceOptions kAnnounced{.members = true, .announce = true};
inline constexpr PresenceOptions kSilent{.members = true, .announce = false};

// A table, a clock and what was told: "+client" and "-client" for each change, one string a batch.
class PresenceWorld : public testing::Test {
 protected:
  bool add(Bytes client, Bytes user = "u", const PresenceOptions& options = kAnnounced,
           Bytes channel = "room", PresenceTable::Origin origin = 0) {
    return table_.add(channel, origin, {.user = user, .client = client}, options, now_);
  }
  void remove(Bytes client, Bytes channel = "room") { table_.remove(channel, client, now_); }
  // Lets time go by in small steps and tells what is due in between.
  void pass(Duration time) {
    const Instant end = now_ + time;
    while (now_ < end) {
      now_ = std::min(now_ + milliseconds(10), end);
      announce();
    }
  }
  void announce() {
    table_.announce(now_, [this](Bytes channel, std::span<const PresenceChange> changes) {
      std::string batch = channel == "room" ? "" : std::string(channel) + ":";
      for (const PresenceChange& change : changes) {
        batch += change.joined ? "+" : "-";
        batch += change.member.client;
      }
      told_.push_back(std::move(batch));
      told_at_.push_back(now_);
    });
  }
  std::vector<std::string> told() { return std::exchange(told_, {}); }
  using Told = std::vector<std::string>;

  ShardMetrics metrics_;
  PresenceTable table_{{.members = 1000}, metrics_};
  Instant now_{1'000'000'000'000};
  std::vector<std::string> told_;
  std::vector<Instant> told_at_;
};

}  // namespace millrace

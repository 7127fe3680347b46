// Who is in a channel: how many are kept, and how much is told of them.
#include <string>

#include "core/hub/presence_table.h"
#include "core/metrics/shard_metrics.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

constexpr PresenceOptions kAnnounced{.members = true, .announce = true};
constexpr std::uint32_t kSome = 5;  // members of a table, the broker's choice
constexpr Instant kStart{1'000'000'000'000};

class Presence {
 public:
  explicit Presence(const PresenceLimits& limits = {}) : table_(limits, metrics_) {}

  bool add(std::uint64_t client, const std::string& channel = "room",
           const std::string& info = "") {
    return table_.add(channel, 0,
                      {.user = "u", .client = std::to_string(client), .conn_info = info},
                      kAnnounced, now_);
  }
  void remove(std::uint64_t client, const std::string& channel = "room") {
    table_.remove(channel, std::to_string(client), now_);
  }
  void pass(std::int64_t ns) { now_ = now_ + nanoseconds(ns); }
  // One call; how many changes it told.
  std::uint64_t announce() {
    std::uint64_t told = 0;
    table_.announce(
        now_, [&](Bytes, std::span<const PresenceChange> changes) { told += changes.size(); });
    return told;
  }
  void announce_all() {
    while (table_.next_due() <= now_) announce();
  }
  [[nodiscard]] std::size_t listed() { return table_.members("room", SIZE_MAX).size(); }
  [[nodiscard]] bool due() const { return table_.next_due() <= now_; }
  [[nodiscard]] std::uint64_t dropped() const { return metrics_.presence_changes_dropped_total; }

 private:
  ShardMetrics metrics_;
  PresenceTable table_;
  Instant now_ = kStart;
};

std::string members(std::uint64_t n) {
  Presence presence({.members = kSome});
  bool all = true;
  for (std::uint64_t i = 0; i < n; ++i) all &= presence.add(i);
  return unless(all, "refused");
}

std::string changes_of_a_batch(std::uint64_t n) {
  Presence presence;
  for (std::uint64_t i = 0; i < n; ++i) CHECK(presence.add(i));
  presence.pass(PresenceTable::kAnnounceInterval.ns);
  CHECK_EQ(presence.announce() + presence.dropped(), n);
  return unless(presence.dropped() == 0, "dropped");
}

std::string bytes_of_a_batch(std::uint64_t n) {
  Presence presence;
  CHECK(presence.add(1, "room", std::string(n / 2, 'x')));
  CHECK(presence.add(2, "room", std::string(n - n / 2 - 4, 'x')));  // ids: 4 bytes
  presence.pass(PresenceTable::kAnnounceInterval.ns);
  CHECK_EQ(presence.announce() + presence.dropped(), 2U);
  return unless(presence.dropped() == 0, "dropped");
}

std::string bytes_of_a_list(std::uint64_t n) {
  Presence presence({.list_bytes = 1'000});
  CHECK(presence.add(1, "room", std::string(300, 'x')));
  const std::size_t rest = n - 300 - 4 - 2 * PresenceTable::kMemberEnvelope;  // ids: 4 bytes
  CHECK(presence.add(2, "room", std::string(rest, 'x')));
  return unless(presence.listed() == 2, "cut");
}

std::string leaves_of_an_interval(std::uint64_t n) {
  Presence presence;
  for (std::uint64_t i = 0; i < n; ++i) CHECK(presence.add(i));
  presence.pass(PresenceTable::kAnnounceInterval.ns);
  presence.announce_all();
  const std::uint64_t before = presence.dropped();
  for (std::uint64_t i = 0; i < n; ++i) presence.remove(i);
  return unless(presence.dropped() == before, "dropped");
}

std::string batches_of_a_call(std::uint64_t n) {
  Presence presence;
  for (std::uint64_t i = 0; i < n; ++i) CHECK(presence.add(1, std::to_string(i)));
  presence.pass(PresenceTable::kAnnounceInterval.ns);
  presence.announce();
  return unless(!presence.due(), "next call");
}

// In batches that are full, but for the last.
std::string channel_of(std::uint64_t i) {
  return std::to_string(i / PresenceTable::kMaxChangesPerBatch);
}

std::string changes_of_a_call(std::uint64_t n) {
  Presence presence;
  for (std::uint64_t i = 0; i < n; ++i) CHECK(presence.add(i, channel_of(i)));
  presence.pass(PresenceTable::kAnnounceInterval.ns);
  presence.announce();
  return unless(!presence.due(), "next call");
}

std::string leaves_of_a_call(std::uint64_t n) {
  Presence presence;
  for (std::uint64_t i = 0; i < n; ++i) CHECK(presence.add(i, channel_of(i)));
  presence.pass(PresenceTable::kAnnounceInterval.ns);
  presence.announce_all();
  for (std::uint64_t i = 0; i < n; ++i) presence.remove(i, channel_of(i));
  presence.pass(PresenceTable::kLeaveDelay.ns);
  presence.announce();
  return unless(!presence.due(), "next call");
}

// All but the last are one user.
std::string members_walked(std::uint64_t n) {
  ShardMetrics metrics;
  PresenceTable table({}, metrics);
  for (std::uint64_t i = 1; i <= n; ++i) {
    const std::string client = std::to_string(i);
    CHECK(table.add("room", 0, {.user = i == 1 ? "last" : "first", .client = client},
                    {.members = true}, Instant{}));
  }
  return unless(table.users("room", 2).size() == 2, "not found");
}

std::string hidden_flap(std::uint64_t ns) {
  Presence presence;
  CHECK(presence.add(1));
  presence.pass(static_cast<std::int64_t>(ns));
  presence.announce();
  presence.remove(1);
  presence.pass(seconds(60).ns);
  presence.announce();
  presence.pass(seconds(60).ns);
  return unless(presence.announce() == 0, "told");
}

std::string hidden_absence(std::uint64_t ns) {
  Presence presence;
  CHECK(presence.add(1));
  presence.pass(seconds(60).ns);
  presence.announce();
  presence.remove(1);
  presence.pass(static_cast<std::int64_t>(ns));
  presence.announce();  // its leave enters a batch
  presence.pass(PresenceTable::kAnnounceInterval.ns);
  const std::uint64_t told = presence.announce();
  return unless(told == 0, "told");
}

}  // namespace

Limits presence_limits() {
  Limits all;
  const auto add = [&all](const char* name, const char* covers, std::uint64_t value,
                          const char* refusal, std::string (*attempt)(std::uint64_t),
                          Edge edge = Edge::kMost) {
    all.push_back({.name = name,
                   .covers = {covers},
                   .value = value,
                   .unit = edge == Edge::kDeadline ? "ns" : "",
                   .refusal = refusal,
                   .attempt = attempt,
                   .edge = edge});
  };
  add("members of a presence table", "PresenceLimits.members", kSome, "refused", members);
  add("changes of a presence batch", "presence_table.h:kMaxChangesPerBatch",
      PresenceTable::kMaxChangesPerBatch, "dropped", changes_of_a_batch);
  add("ids and infos of a presence batch, in bytes", "presence_table.h:kMaxBatchBytes",
      PresenceTable::kMaxBatchBytes, "dropped", bytes_of_a_batch);
  add("ids and infos of a list of members, in bytes", "PresenceLimits.list_bytes", 1'000, "cut",
      bytes_of_a_list);
  add("leaves of an interval that are kept to be told", "presence_table.h:kMaxLeavesKept",
      PresenceTable::kMaxLeavesKept, "dropped", leaves_of_an_interval);
  add("presence batches of a call", "presence_table.h:kMaxBatchesPerCall",
      PresenceTable::kMaxBatchesPerCall, "next call", batches_of_a_call);
  add("members among whom a channel's users are looked for", "presence_table.h:kMaxMembersWalked",
      PresenceTable::kMaxMembersWalked, "not found", members_walked);
  add("presence changes of a call", "presence_table.h:kMaxChangesPerCall",
      PresenceTable::kMaxChangesPerCall, "next call", changes_of_a_call);
  add("leaves that come of age in a call", "presence_table.h:kMaxLeavesPerCall",
      PresenceTable::kMaxLeavesPerCall, "next call", leaves_of_a_call);
  add("a stay that is not told", "presence_table.h:kAnnounceInterval",
      static_cast<std::uint64_t>(PresenceTable::kAnnounceInterval.ns), "told", hidden_flap,
      Edge::kDeadline);
  add("an absence that is not told", "presence_table.h:kLeaveDelay",
      static_cast<std::uint64_t>(PresenceTable::kLeaveDelay.ns), "told", hidden_absence,
      Edge::kDeadline);
  return all;
}

}  // namespace millrace

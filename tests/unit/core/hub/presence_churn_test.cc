// A crowd: 100,000 members in one channel, and 50,000 who come or go each second.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "core/hub/presence_table.h"
#include "core/metrics/shard_metrics.h"
#include "tests/support/allocated_bytes.h"

namespace millrace {
namespace {

constexpr PresenceOptions kAnnounced{.members = true, .announce = true};
constexpr std::size_t kCrowd = 100'000;

// 36 characters, as a UUID has.
std::string name(char kind, std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(1, kind) + std::string(35 - digits.size(), '0') + digits;
}

class PresenceChurn : public testing::Test {
 protected:
  void join() {
    const std::string client = name('c', next_);
    ASSERT_TRUE(
        table_.add("crowd", 0, {.user = name('u', next_), .client = client}, kAnnounced, now_));
    there_.push_back(next_++);
  }
  void leave() {
    std::swap(there_[random_() % there_.size()], there_.back());
    table_.remove("crowd", name('c', there_.back()), now_);
    there_.pop_back();
  }
  void announce() {
    std::size_t batches = 0;
    std::size_t changes = 0;
    table_.announce(now_, [&](Bytes, std::span<const PresenceChange> batch) {
      ++batches;
      changes = batch.size();
    });
    if (batches == 0) return;
    ASSERT_EQ(batches, 1U);
    ASSERT_LE(changes, PresenceTable::kMaxChangesPerBatch);
    if (batches_ > 0) {
      ASSERT_GE(now_ - last_batch_, PresenceTable::kAnnounceInterval);
    }
    last_batch_ = now_;
    ++batches_;
  }
  void pass(Duration time) {
    for (const Instant end = now_ + time; now_ < end;) {
      now_ = now_ + milliseconds(1);
      announce();
    }
  }

  std::mt19937 random_{5};
  ShardMetrics metrics_;
  PresenceTable table_{{}, metrics_};
  Instant now_{1'000'000'000'000};
  std::vector<std::uint64_t> there_;
  std::uint64_t next_ = 0;
  std::size_t batches_ = 0;
  Instant last_batch_{};
};

TEST_F(PresenceChurn, IsToldOnceASecondAndCostsNoMemory) {
  there_.reserve(kCrowd + 100);
  const std::int64_t empty = allocated_bytes();
  for (std::size_t i = 0; i < kCrowd; ++i) join();
  const std::int64_t full = allocated_bytes();
  const auto each = (full - empty) / static_cast<std::int64_t>(kCrowd);
  RecordProperty("bytes_a_member", static_cast<int>(each));
  std::printf("a member costs %d bytes\n", static_cast<int>(each));
  EXPECT_LE(each, 280);  // jemalloc: 240, glibc: 272

  constexpr int kSeconds = 10;
  pass(seconds(2));
  const std::size_t batches = batches_;
  for (int ms = 0; ms < kSeconds * 1000; ++ms) {
    for (int i = 0; i < 25; ++i) {
      leave();
      join();
    }
    now_ = now_ + milliseconds(1);
    announce();
    ASSERT_LE(table_.size() - kCrowd, 7U * PresenceTable::kMaxLeavesKept);
  }
  EXPECT_GE(batches_ - batches, kSeconds - 1U);
  EXPECT_LE(batches_ - batches, kSeconds + 0U);
  EXPECT_EQ(table_.counts("crowd"), (PresenceCounts{kCrowd, kCrowd}));
  EXPECT_GT(metrics_.presence_changes_dropped_total, 400'000U);

  pass(seconds(10));
  EXPECT_EQ(table_.size(), kCrowd);
  EXPECT_LE(allocated_bytes() - full, 128 * 1024);
  while (!there_.empty()) leave();
  pass(seconds(10));
  EXPECT_EQ(table_.size(), 0U);
  // What is left: the tables of chunks, and room for a batch.
  EXPECT_LE(allocated_bytes() - empty, 128 * 1024);
}

}  // namespace
}  // namespace millrace

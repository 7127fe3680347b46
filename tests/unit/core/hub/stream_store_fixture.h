// A stream store and what its tests ask it again and again.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/hub/stream_store.h"

namespace millrace {

inline constexpr StreamOptions kFive{.size = 5, .age = seconds(60), .meta_age = seconds(3'600)};

inline Instant at(std::int64_t ms) { return Instant{} + milliseconds(ms); }

inline std::uint64_t count_of(const ShardMetrics& metrics, HistoryEviction reason) {
  return metrics.history_evicted_total[static_cast<std::size_t>(reason)];
}

class StreamStoreTest : public testing::Test {
 protected:
  explicit StreamStoreTest(const StreamStoreLimits& limits = {})
      : store_(limits, random_, metrics_) {}
  ~StreamStoreTest() override { store_.validate(); }

  StreamPosition publish(Bytes channel, Bytes data, Instant now = {}) {
    return store_.append(channel, data, {}, options_, now);
  }
  void publish_many(Bytes channel, int count, Instant now = {}) {
    for (int i = 0; i < count; ++i) publish(channel, "data" + std::to_string(i + 1), now);
  }
  HistoryPage since(std::uint64_t offset, Instant now = {}, std::uint32_t limit = 300) {
    return store_.read("a", {.since = StreamPosition{offset, epoch("a")}, .limit = limit}, options_,
                       now);
  }
  HistoryPage read(const HistoryQuery& query, Instant now = {}) {
    return store_.read("a", query, options_, now);
  }
  Epoch epoch(Bytes channel) { return store_.read(channel, {}, options_, last_).top.epoch; }
  static std::vector<std::uint64_t> offsets(const HistoryPage& page) {
    std::vector<std::uint64_t> offsets;
    for (const KeptPublication& one : page.publications) offsets.push_back(one.offset);
    return offsets;
  }
  using Offsets = std::vector<std::uint64_t>;

  Random random_{5};
  ShardMetrics metrics_;
  StreamStore store_;
  StreamOptions options_ = kFive;
  Instant last_{};
};

}  // namespace millrace

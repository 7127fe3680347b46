// What a StreamStore has to say, by somebody who remembers everything and lets nothing wait: time
// passes for all streams at every step, and the oldest is found by looking at all.
//
// It shares no code with core/hub/stream_store but the values of core/hub/stream.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/hub/stream.h"
#include "core/hub/stream_store.h"

namespace millrace {

class HistoryModel {
 public:
  struct Kept {
    std::uint64_t offset = 0;
    std::string data;
    std::string info;  // packed
    Instant at{};
    bool operator==(const Kept& other) const {
      return offset == other.offset && data == other.data && info == other.info;
    }
  };
  // A life is to the model what an epoch is to the store; 0 is none.
  struct Position {
    std::uint64_t offset = 0;
    std::uint64_t life = 0;
  };
  struct Query {
    std::optional<Position> since;
    std::uint32_t limit = 0;
    bool reverse = false;
  };
  struct Page {
    bool wrong_epoch = false;
    Position top;
    bool complete = false;
    std::vector<Kept> publications;
  };

  explicit HistoryModel(const StreamStoreLimits& limits) : limits_(limits) {}

  // Everything that happens by itself until then.
  void pass(Instant now) {
    for (auto it = lines_.begin(); it != lines_.end();) {
      Line& line = it->second;
      while (!line.kept.empty() && line.kept.front().at + line.age <= now) {
        const Instant at = line.kept.front().at + line.age;
        line.kept.pop_front();
        if (line.kept.empty()) line.turn = {at, 0};
      }
      it = line.used + line.meta_age <= now ? lines_.erase(it) : std::next(it);
    }
  }

  Position publish(const std::string& channel, const std::string& data, const std::string& info,
                   const StreamOptions& options, Instant now) {
    Line& line = use(channel, options, now);
    ++line.top;
    line.kept.push_back({line.top, data, info, now});
    if (line.kept.size() > options.size) line.kept.pop_front();
    touch(line, now);
    make_room(now);
    return {line.top, line.life};
  }

  Page read(const std::string& channel, const Query& query, const StreamOptions& options,
            Instant now) {
    const Line& line = use(channel, options, now);
    Page page;
    page.top = {line.top, line.life};
    if (query.since && query.since->life != 0 && query.since->life != line.life) {
      page.wrong_epoch = true;
      return page;
    }
    std::vector<Kept> all(line.kept.begin(), line.kept.end());
    if (query.reverse) std::reverse(all.begin(), all.end());
    std::size_t bytes = 0;
    for (const Kept& one : all) {
      if (query.since && !query.reverse && one.offset <= query.since->offset) continue;
      if (query.since && query.reverse && one.offset >= query.since->offset) continue;
      if (page.publications.size() == query.limit) break;
      bytes += StreamStore::kPageEnvelope + one.data.size() + one.info.size();
      if (!page.publications.empty() && bytes > limits_.page_bytes) break;
      page.publications.push_back(one);
    }
    page.complete = query.since && !query.reverse && is_all(page, query.since->offset);
    return page;
  }

  Position remove(const std::string& channel, Instant now) {
    const auto it = lines_.find(channel);
    if (it == lines_.end()) return {};
    it->second.kept.clear();
    touch(it->second, now);
    it->second.used = now;
    return {it->second.top, it->second.life};
  }

  [[nodiscard]] std::size_t streams() const { return lines_.size(); }
  [[nodiscard]] std::size_t publications() const {
    std::size_t count = 0;
    for (const auto& [name, line] : lines_) count += line.kept.size();
    return count;
  }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& [name, line] : lines_) {
      for (const Kept& one : line.kept) sum += bytes_of(one);
    }
    return sum;
  }

  std::uint64_t evicted = 0;  // publications, for want of room
  std::uint64_t streams_evicted = 0;

 private:
  // When it was used last, or lost its last publication; the second tells who of one moment.
  using Turn = std::pair<Instant, std::uint64_t>;
  struct Line {
    std::deque<Kept> kept;
    std::uint64_t top = 0;
    std::uint64_t life = 0;
    Instant used{};
    Duration age{};
    Duration meta_age{};
    Turn turn{};
  };

  static std::size_t bytes_of(const Kept& one) { return 40 + one.data.size() + one.info.size(); }

  static bool is_all(const Page& page, std::uint64_t since) {
    for (const Kept& one : page.publications) {
      if (one.offset != ++since) return false;
    }
    return since == page.top.offset;
  }

  void touch(Line& line, Instant now) { line.turn = {now, ++turns_}; }

  Line& use(const std::string& channel, const StreamOptions& options, Instant now) {
    if (!lines_.contains(channel)) {
      if (lines_.size() >= limits_.streams) evict_stream();
      lines_[channel].life = ++lives_;
    }
    Line& line = lines_[channel];
    line.used = now;
    line.age = options.age;
    line.meta_age = std::max(options.age, options.meta_age);
    while (!line.kept.empty() &&
           (line.kept.size() > options.size || line.kept.front().at + line.age <= now)) {
      line.kept.pop_front();
    }
    touch(line, now);
    return line;
  }

  void evict_stream() {
    const auto victim =
        std::min_element(lines_.begin(), lines_.end(), [](const auto& a, const auto& b) {
          return std::pair(!a.second.kept.empty(), a.second.turn) <
                 std::pair(!b.second.kept.empty(), b.second.turn);
        });
    evicted += victim->second.kept.size();
    ++streams_evicted;
    lines_.erase(victim);
  }

  void make_room(Instant now) {
    while (publications() > limits_.publications || bytes() > limits_.bytes) {
      Line* oldest = nullptr;
      for (auto& [name, line] : lines_) {
        if (line.kept.empty()) continue;
        if (oldest == nullptr || line.kept.front().at < oldest->kept.front().at) oldest = &line;
      }
      oldest->kept.pop_front();
      ++evicted;
      if (oldest->kept.empty()) touch(*oldest, now);
    }
  }

  const StreamStoreLimits limits_;
  std::map<std::string, Line> lines_;
  std::uint64_t lives_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace millrace

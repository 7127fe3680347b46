// Two connections of a shard that hear the same for a moment, while it moves from one NATS server
// to another: what each client gets is every message once, in order.
//
// Core NATS numbers nothing, so messages are compared by what they are, and counted: of two equal
// ones that were published, each connection brings two. A copy is that of the latest one that waits
// for one: those from before the new server had the interest wait in vain, and are forgotten when
// they are too old. While both are there the old one is what is heard, and copies that the new one
// brings first are withheld. When the old one has brought its last, what is still withheld came
// behind that and is heard; from then on the new one is, but for copies of what was heard already,
// for as long as those may be late (kCopyLateMs).
//
// What can't be told: equal messages on one subject that follow each other within kRepeatLateMs,
// all the time. Of those, one more or less may be heard.
//
// Owner: the shard, on whose thread it is called; the inbox (nats_inbox.h) holds it. Limits:
// `most_withheld` messages; what does not fit is heard at once. It remembers kRememberMs of keys.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace millrace {

// How much later one connection may bring what the other has brought.
inline constexpr std::int64_t kCopyLateMs = 500;
// The same of what comes again and again: there, an older one waits for a copy that never comes.
inline constexpr std::int64_t kRepeatLateMs = 100;

template <typename Message>
class NatsOverlap {
 public:
  explicit NatsOverlap(std::size_t most_withheld) : most_withheld_(most_withheld) {}

  // From the connection that is left, whose messages are all heard. `key` tells what it is.
  void from_old(Message message, std::uint64_t key, std::int64_t now_ms,
                std::vector<Message>& heard, std::vector<Message>& copies) {
    expire(now_ms);
    Counts& counts = counts_[key];
    ++counts.arrivals;
    arrivals_.emplace_back(now_ms, key);
    forget_too_late(counts, now_ms);
    if (counts.overtaken > 0) {
      --counts.overtaken;
      copies.push_back(std::move(message));
      return;
    }
    heard.push_back(std::move(message));
    if (counts.withheld > 0) {
      --counts.withheld;
      ++counts.cancelled;
      drop_cancelled(copies);
      return;
    }
    counts.owed_since.push_back(now_ms);
  }

  // From the connection that is moved to.
  void from_new(Message message, std::uint64_t key, std::int64_t now_ms,
                std::vector<Message>& heard, std::vector<Message>& copies) {
    expire(now_ms);
    Counts& counts = counts_[key];
    forget_too_late(counts, now_ms);
    if (!counts.owed_since.empty()) {
      counts.owed_since.pop_back();
      forget_if_even(key);
      copies.push_back(std::move(message));
      return;
    }
    if (over_) {
      forget_if_even(key);
      heard.push_back(std::move(message));
      return;
    }
    ++counts.withheld;
    withheld_.emplace_back(key, std::move(message));
    if (withheld_.size() > most_withheld_) hear_first(heard, copies);
  }

  // The old one has brought its last.
  void end_old(std::vector<Message>& heard, std::vector<Message>& copies) {
    while (!withheld_.empty()) hear_first(heard, copies);
    over_ = true;
  }

  [[nodiscard]] std::size_t withheld() const { return withheld_.size(); }
  // Keys that are remembered.
  [[nodiscard]] std::size_t remembered() const { return counts_.size(); }

 private:
  static constexpr std::uint32_t kRepeats = 3;  // and more come again and again
  static constexpr std::int64_t kRememberMs = 3 * kCopyLateMs;

  struct Counts {
    // The old one brought them then, the new one did not yet; the earliest first.
    std::vector<std::int64_t> owed_since;
    std::uint32_t arrivals = 0;   // from the old one, of the last kRememberMs
    std::uint32_t withheld = 0;   // the new one brought them, the old one did not yet
    std::uint32_t cancelled = 0;  // are in withheld_, though the old one brought them
    std::uint32_t overtaken = 0;  // withheld ones that were heard before the old one brought them
  };

  void forget_if_even(std::uint64_t key) {
    const auto found = counts_.find(key);
    const Counts& c = found->second;
    if (!c.owed_since.empty()) return;
    if (c.arrivals + c.withheld + c.cancelled + c.overtaken == 0) counts_.erase(found);
  }

  static void forget_too_late(Counts& counts, std::int64_t now_ms) {
    const std::int64_t late_ms = counts.arrivals >= kRepeats ? kRepeatLateMs : kCopyLateMs;
    auto& since = counts.owed_since;
    while (!since.empty() && since.front() + late_ms <= now_ms) since.erase(since.begin());
  }

  void expire(std::int64_t now_ms) {
    while (!arrivals_.empty() && arrivals_.front().first + kRememberMs <= now_ms) {
      const std::uint64_t key = arrivals_.front().second;
      arrivals_.pop_front();
      Counts& counts = counts_[key];
      --counts.arrivals;
      forget_too_late(counts, now_ms);
      forget_if_even(key);
    }
  }

  // The earliest of equal ones is the one that the other has brought.
  bool drop_if_cancelled(std::vector<Message>& copies) {
    const std::uint64_t key = withheld_.front().first;
    Counts& counts = counts_[key];
    if (counts.cancelled == 0) return false;
    --counts.cancelled;
    copies.push_back(std::move(withheld_.front().second));
    withheld_.pop_front();
    forget_if_even(key);
    return true;
  }

  void drop_cancelled(std::vector<Message>& copies) {
    while (!withheld_.empty() && drop_if_cancelled(copies)) {
    }
  }

  void hear_first(std::vector<Message>& heard, std::vector<Message>& copies) {
    if (drop_if_cancelled(copies)) return;
    const std::uint64_t key = withheld_.front().first;
    Counts& counts = counts_[key];
    --counts.withheld;
    ++counts.overtaken;
    heard.push_back(std::move(withheld_.front().second));
    withheld_.pop_front();
  }

  const std::size_t most_withheld_;
  boost::unordered_flat_map<std::uint64_t, Counts> counts_;
  std::deque<std::pair<std::int64_t, std::uint64_t>> arrivals_;  // from the old one
  std::deque<std::pair<std::uint64_t, Message>> withheld_;
  bool over_ = false;
};

}  // namespace millrace

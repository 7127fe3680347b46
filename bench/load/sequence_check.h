// What each subscriber has seen of each publisher: the last number, 4 bytes. Numbers are 1, 2, ...,
// so one look tells a hole, a repetition and a wrong order.
//
// Owner: one thread.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace millrace::load {

struct SequenceCounts {
  std::uint64_t in_order = 0;      // new ones: what was delivered
  std::uint64_t holes = 0;         // numbers that were jumped over
  std::uint64_t duplicates = 0;    // the same number once more
  std::uint64_t out_of_order = 0;  // a smaller one than the last: late, or repeated later

  void add(const SequenceCounts& other) {
    in_order += other.in_order;
    holes += other.holes;
    duplicates += other.duplicates;
    out_of_order += other.out_of_order;
  }
};

class SequenceCheck {
 public:
  // One row a stream: a subscriber's view of one publisher in one channel.
  void resize(std::size_t streams) { last_.assign(streams, 0); }
  [[nodiscard]] std::size_t streams() const { return last_.size(); }

  // True if it is new.
  bool take(std::size_t stream, std::uint32_t number) {
    std::uint32_t& last = last_[stream];
    if (number > last || last == kAny) {
      if (last != kAny) counts_.holes += number - last - 1;
      last = number;
      ++counts_.in_order;
      return true;
    }
    ++(number == last ? counts_.duplicates : counts_.out_of_order);
    return false;
  }
  // Whoever was away can't tell a hole from what it was not there for: the next number is right.
  void forgive(std::size_t stream) { last_[stream] = kAny; }
  // At the end, when `published` is the last number there was: what is missing counts as a hole.
  void finish(std::size_t stream, std::uint32_t published) {
    std::uint32_t& last = last_[stream];
    if (last == kAny || last >= published) return;
    counts_.holes += published - last;
    last = published;
  }
  [[nodiscard]] std::uint32_t last(std::size_t stream) const { return last_[stream]; }
  // Since the last call.
  SequenceCounts take_counts() { return std::exchange(counts_, {}); }

 private:
  static constexpr std::uint32_t kAny = UINT32_MAX;

  std::vector<std::uint32_t> last_;
  SequenceCounts counts_;
};

}  // namespace millrace::load

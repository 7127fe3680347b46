// What clients that recover keep and say: where a subscription stood, and what the server answered.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/base/bytes.h"

namespace millrace::load {

// What a subscribe command asks for beside the channel.
struct SubscribeFrom {
  bool recoverable = false;
  Bytes epoch;  // empty: from now on
  std::uint64_t offset = 0;
};

struct RecoveredPublication {
  Bytes data;
  std::uint64_t offset = 0;
};

// Of a reply to subscribe. Views of it.
struct SubscribeAnswer {
  Bytes epoch;
  std::uint64_t offset = 0;
  bool was_recovering = false;
  bool recovered = false;
  std::vector<RecoveredPublication> publications;
};

// Where one subscription of one client stands.
class StreamPlace {
 public:
  static constexpr std::size_t kMostEpoch = 15;

  // A longer epoch than servers have is none: nothing is recovered then.
  void set(Bytes epoch, std::uint64_t offset) {
    size_ = static_cast<std::uint8_t>(epoch.size() <= kMostEpoch ? epoch.size() : 0);
    std::copy_n(epoch.begin(), size_, epoch_.begin());
    offset_ = offset;
  }
  void advance(std::uint64_t offset) {
    if (offset != 0) offset_ = offset;
  }
  [[nodiscard]] SubscribeFrom from() const { return {true, {epoch_.data(), size_}, offset_}; }

 private:
  std::array<char, kMostEpoch> epoch_{};
  std::uint8_t size_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace millrace::load

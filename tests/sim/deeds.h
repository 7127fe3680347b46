// What a run must have done to mean something: each deed has a name and a count, like a fault.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace::sim {

enum class Deed : std::uint8_t {
  kRecovered,        // a client got all that it missed, and it missed something
  kUnrecovered,      // or was told that it can't
  kRecoveryRefused,  // or got no subscription, as it wanted then
  kLossTold,         // a subscription ended because something was missed
  kUnavailable,      // a question was refused because a lane was full
  kEpochChanged,     // a stream began anew
  kEvicted,          // a publication went for want of room
  kHistoryPage,      // a page of history came
  kPresenceList,     // a list of who is in a channel came
  kJoinTold,         // somebody was told of another who came
  kLeaveTold,        // and of one who went
  kTokenAccepted,    // a client connected with a token
  kTokenRanOut,      // and stayed for longer than that was good for
  kTokenRevoked,     // or was revoked
};
inline constexpr std::size_t kDeeds = 14;

const char* deed_name(Deed deed);

class Deeds {
 public:
  using Counts = std::array<std::uint64_t, kDeeds>;

  void count(Deed deed, std::uint64_t times = 1) {
    counts_[static_cast<std::size_t>(deed)] += times;
  }
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  Counts counts_{};
};

}  // namespace millrace::sim

// What can go wrong in a simulation: each fault has a name, a probability of its own that the seed
// draws, and a count of how often it struck. docs/TESTING.md tells how to add one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/random.h"

namespace millrace::sim {

enum class Fault : std::uint8_t {
  kShortSend,         // the kernel takes a part of a send
  kShortReceive,      // and hands over a part of what has arrived
  kNoBuffers,         // a receive ends with ENOBUFS though a buffer is free
  kReset,             // a client's RST at any time
  kReceiveEnds,       // a multishot receive ends with a piece, without an error
  kCancelRace,        // what is to be cancelled completes first; the cancel finds nothing
  kLateCompletion,    // a completion arrives up to a second late, other sockets' overtake it
  kAfterShutdown,     // the same while the shard drains
  kReorder,           // the same by milliseconds
  kPollSpurious,      // a poll tells though nothing came
  kPollTwice,         // or twice of the same
  kPollLate,          // or up to a tenth of a second late
  kPollMerged,        // or once of all that came meanwhile
  kPollEnds,          // a poll ends with what it tells, without an error
  kQueueFull,         // the submission queue has room for a few operations only
  kEnterRefused,      // the kernel takes only some of what is handed over
  kLateWake,          // a wake arrives late
  kAcceptError,       // an accept fails: no file, no memory, the peer gone
  kStall,             // a shard's thread does not run for a while
  kBrokerDrop,        // NATS drops a message on its way to a shard
  kBrokerDuplicate,   // or brings it twice
  kBrokerDisconnect,  // a shard loses its connection to NATS, and gets it back later
  kBrokerRefuse,      // a publication fails, perhaps after it went out
  kBrokerLate,        // NATS's answers and messages are late
  kHostileMessage,    // NATS brings a payload or a subject that nobody here may see
  kSlowReader,        // a client stops reading for a while
  kMute,              // a client does not answer pings any more
  kBadFrame,          // a client breaks a rule of the WebSocket protocol
  kBadCommand,        // or of the client protocol
  kTrickle,           // a client's bytes arrive one by one
  kHalfClose,         // a client's FIN without a close frame
  kAway,              // a client comes back late, when what it missed may be gone
  kForgedPosition,    // or says that it was where it never was
  kForgedToken,       // a client's token is signed with another secret
  kOldToken,          // or has expired long ago
};
inline constexpr std::size_t kFaults = 35;

const char* fault_name(Fault fault);

class Faults {
 public:
  using Rates = std::array<std::uint32_t, kFaults>;  // in millionths
  using Counts = std::array<std::uint64_t, kFaults>;
  static constexpr std::uint32_t kCertain = 1'000'000;

  Faults(const Rates& rates, Random& random) : rates_(rates), random_(random) {}

  // Strikes with the fault's probability; counted if it does.
  [[nodiscard]] bool strikes(Fault fault) {
    const auto index = static_cast<std::size_t>(fault);
    if (calm_ || rates_[index] == 0 || random_.below(kCertain) >= rates_[index]) return false;
    ++counts_[index];
    return true;
  }
  // The drain has begun.
  void shut_down() { shut_down_ = true; }
  [[nodiscard]] bool is_shut_down() const { return shut_down_; }
  // From now on nothing strikes.
  void calm() { calm_ = true; }
  [[nodiscard]] bool calmed() const { return calm_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  const Rates rates_;
  Random& random_;
  Counts counts_{};
  bool calm_ = false;
  bool shut_down_ = false;
};

}  // namespace millrace::sim

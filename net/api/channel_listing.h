// The channels of one shard for who asks of all: names that fit a pattern with how many clients
// each has, or, for counting, hashes of the names. A slice a turn, so that a million channels stall
// nobody.
//
// A channel that comes or goes meanwhile may be missed, or be there still.
//
// Owner: the shard's share of the server API (api_orders.h). Limits: kSlotsPerTurn slots or
// kStepsPerTurn steps of matching a turn; kMaxListedBytes of one listing, beyond which it ends with
// an error, since a part would pass for the whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "core/hub/hub.h"
#include "core/shard/message.h"

namespace millrace {

// Gets what a shard has to say to a call.
class ApiShareSink {
 public:
  virtual void on_share(ShardId to, ApiShare share, Instant now) = 0;

 protected:
  ~ApiShareSink() = default;
};

class ChannelListing {
 public:
  static constexpr std::uint32_t kSlotsPerTurn = 4'096;
  static constexpr std::size_t kStepsPerTurn = 2'000'000;
  static constexpr std::size_t kMaxListedBytes = 1024 * 1024;  // names and kListedEnvelope each
  // Around a name, in the answer.
  static constexpr std::size_t kListedEnvelope = 32;

  // Both must outlive it.
  ChannelListing(Hub& hub, ApiShareSink& sink) : hub_(hub), sink_(sink) {}

  // `pattern` as matches() takes it; empty: all.
  void list(ShardId asker, std::uint64_t call, std::string pattern);
  // Hashes of all names.
  void count(ShardId asker, std::uint64_t call);

  void turn(Instant now);
  [[nodiscard]] bool ready() const { return !jobs_.empty(); }

 private:
  struct Job {
    ShardId asker;
    std::uint64_t call = 0;
    bool counts = false;
    std::string pattern;
    std::uint32_t next_slot = 0;
    std::size_t bytes = 0;
  };

  // False at the limit.
  [[nodiscard]] static bool add(Job& job, const Channel& channel, ApiShare& share);

  Hub& hub_;
  ApiShareSink& sink_;
  std::deque<Job> jobs_;  // one after the other
};

}  // namespace millrace

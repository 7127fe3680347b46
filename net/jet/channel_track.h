// What a shard knows of a channel of a stream that it listens to: how far everything has come by,
// and what waits for it. Plain data; the JetBroker's.
//
//   kNew      nothing is known: the leader's top, or the first message that comes by, tells
//   kLive     all up to `sure` has come by
//   kFilling  something behind `sure` is missing or may be: it is read or proven from the stream,
//             and what comes by meanwhile is held back
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/hub/broker.h"
#include "net/jet/edge_cache.h"
#include "net/jet/stream_reader.h"

namespace millrace {

// A message as it came by.
struct LiveMessage {
  std::uint64_t sequence = 0;
  std::uint64_t previous = 0;  // the one before it on its subject when it was stored; 0: none
  bool good = true;            // its payload is one that the namespace takes
  OwnedBytes data;
  OwnedBytes info;  // packed

  [[nodiscard]] std::size_t bytes() const { return sizeof(*this) + data.size() + info.size(); }
};

// While a hole is closed.
struct HoleFilling {
  std::uint64_t until = 0;     // the last that is missing
  std::optional<SlotId> read;  // at the reader
  std::uint64_t life = 0;      // or: the keeper's ticket, to know whether this is a new life
  std::deque<LiveMessage> held;
  std::size_t bytes = 0;
};

struct ChannelTrack {
  enum class State : std::uint8_t { kNew, kLive, kFilling };

  std::string channel;
  SlotId id;
  std::uint32_t stream = 0;
  InterestToken interest = 0;
  std::optional<NatsSubscriptionId> subscription;  // its own; nothing: the namespace's
  bool waits_for_interest = false;

  State state = State::kNew;
  bool empty = false;      // nothing of it was kept when the leader was asked last
  bool doubted = false;    // in line to be checked
  bool doubt_out = false;  // its check is one of those for doubts
  bool checked = false;    // at `checked_at`
  Epoch epoch;
  std::uint64_t last = 0;  // the last publication that came by
  std::uint64_t sure = 0;  // not less than `last`; nothing else is up to there
  std::uint64_t told = 0;  // the highest position that anybody was told
  Instant checked_at{};
  std::optional<SlotId> check;  // the question about the top that is out
  std::uint64_t expected = 0;   // a top that the leader has told and that has not come by yet
  CacheWindow window;
  std::unique_ptr<HoleFilling> filling;
  std::vector<SlotId> askers;  // questions that wait for the check
};

}  // namespace millrace

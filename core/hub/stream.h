// Names for what a channel remembers: its stream, a position in it, and questions about it. Values
// only; core/hub/stream_store.h keeps streams, a Broker answers.
//
// A stream numbers a channel's publications. In memory offsets are contiguous and begin at 1; over
// NATS they only grow (docs/ARCHITECTURE.md). An epoch names one life of a stream: offsets of two
// epochs have nothing to do with each other.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "core/base/bytes.h"
#include "core/hub/client_info.h"
#include "core/time/instant.h"

namespace millrace {

// Eight letters, or none at all.
class Epoch {
 public:
  static constexpr std::size_t kLetters = 8;

  Epoch() = default;
  // Letters of 64 random bits, never none.
  static Epoch of_bits(std::uint64_t bits);
  // Nothing for a text that no epoch has; an empty text is no epoch.
  static std::optional<Epoch> parse(Bytes text);

  [[nodiscard]] bool none() const { return letters_[0] == 0; }
  [[nodiscard]] Bytes text() const;
  bool operator==(const Epoch&) const = default;

 private:
  std::array<char, kLetters> letters_{};
};

struct StreamPosition {
  std::uint64_t offset = 0;  // of the last publication that is known; 0: none
  Epoch epoch;
  bool operator==(const StreamPosition&) const = default;
};

// How much of a channel is kept, by its namespace.
struct StreamOptions {
  std::uint32_t size = 0;  // publications; 0: nothing is kept, and there are no offsets
  Duration age{};          // how long each is kept
  Duration meta_age{};     // how long position and epoch are, after the last use

  [[nodiscard]] bool kept() const { return size > 0; }
  bool operator==(const StreamOptions&) const = default;
};

struct HistoryQuery {
  // Exclusive. Nothing: from the oldest on, or from the newest back.
  std::optional<StreamPosition> since = {};
  std::uint32_t limit = 0;  // 0: the position only
  bool reverse = false;     // newest first
};

// One kept publication. Views.
struct KeptPublication {
  std::uint64_t offset = 0;
  Bytes data;
  ClientInfo info = {};
};

enum class HistoryOutcome : std::uint8_t {
  kOk,
  kWrongEpoch,   // since.epoch is not the stream's; `top` is the stream's
  kUnavailable,  // the broker can't tell now: error 100, temporary
};

// Views: they live for the call.
struct HistoryPage {
  HistoryOutcome outcome = HistoryOutcome::kOk;
  StreamPosition top = {};
  // The last publication's offset, where that is less than the top's: a stream that is shared by
  // many channels goes on without them. Who has it has missed nothing.
  std::optional<std::uint64_t> newest = {};
  // Only with `since`, forwards: these are all publications from there to the top, none missing.
  bool complete = false;
  std::span<const KeptPublication> publications = {};
};

}  // namespace millrace

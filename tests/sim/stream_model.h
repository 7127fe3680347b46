// What channels with a stream have told of it so far, by pushes, recoveries and pages of history:
// which publication stands at which offset of which epoch.
//
// Rules, each a finding when broken:
//  - An offset of an epoch is one publication for ever and for everybody; a publication has one
//    offset.
//  - What one publisher published stands in the order in which it was sent.
//  - A stream that nothing was ever taken from (SimOptions::steady) has one epoch. Its top is as
//    many as were accepted, and no more than were not refused.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "tests/sim/oracle.h"

namespace millrace::sim {

// A position as a client knows it.
struct Place {
  std::string epoch;
  std::uint64_t offset = 0;
};

class StreamModel {
 public:
  StreamModel(const Oracle& oracle, bool steady) : oracle_(oracle), steady_(steady) {}

  // `whom` was told that this publication stands there.
  void told(const std::string& whom, const std::string& channel, const Place& place,
            std::uint64_t id);
  // That the stream's last is there. `accepted`: publications that had been when it was asked.
  void told_top(const std::string& whom, const std::string& channel, const Place& top,
                std::uint64_t accepted);
  // The latest that anybody was told.
  [[nodiscard]] Place top(const std::string& channel) const;
  // Epochs beyond the first of each channel.
  [[nodiscard]] std::uint64_t epoch_changes() const;
  // At the end of a run.
  void finish() const;

 private:
  struct Life {
    std::map<std::uint64_t, std::uint64_t> ids;  // by offset
    std::uint64_t top = 0;
  };
  struct Channel {
    std::map<std::string, Life> lives;  // by epoch
    std::string latest;                 // epoch that somebody was told first
  };

  Life& life(const std::string& whom, const std::string& channel, const std::string& epoch);

  const Oracle& oracle_;
  const bool steady_;
  std::map<std::string, Channel> channels_;
  std::map<std::uint64_t, Place> places_;  // by publication
};

}  // namespace millrace::sim

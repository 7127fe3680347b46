// Publications that their application may repeat, by channel and idempotency key: a repeated one
// gets the result of the first, and is not published again. While the first is on its way, those
// that repeat it wait for it.
//
// Owner: the desk of the shard that the channel's name hashes to; so one node knows its own keys,
// whichever shard was called. Limits: kMaxKeys, beyond which the oldest are forgotten early; a key
// is remembered for kKeyAge.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/hub/stream.h"
#include "core/time/instant.h"
#include "proto/error_code.h"

namespace millrace {

class KeyedPublications {
 public:
  static constexpr std::size_t kMaxKeys = 65'536;
  static constexpr Duration kKeyAge = seconds(300);

  // A call, on a shard.
  struct Caller {
    ShardId shard;
    std::uint64_t call = 0;
  };
  enum class Begun : std::uint8_t {
    kFirst,  // to be published; finish() with the id
    kWaits,  // finish() of the first names this caller
    kKnown,  // `position` is the first's
    kFull,   // all that are known are on their way
  };
  struct Begin {
    Begun begun = Begun::kFull;
    std::uint64_t id = 0;
    StreamPosition position = {};
  };

  [[nodiscard]] Begin begin(Bytes channel, Bytes key, Caller caller, Instant now);
  // All who wait for it. What has failed is forgotten, so that it can be tried again.
  [[nodiscard]] std::vector<Caller> finish(std::uint64_t id, bool accepted,
                                           const StreamPosition& position);
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::string name;
    bool done = false;
    StreamPosition position = {};
    std::vector<Caller> callers = {};
  };

  void forget_old(Instant now);
  void forget(std::uint64_t id);

  boost::unordered_flat_map<std::string, std::uint64_t, BytesHash, std::equal_to<>> ids_;
  boost::unordered_flat_map<std::uint64_t, Known> known_;
  std::deque<std::pair<Instant, std::uint64_t>> by_age_;  // of some that are forgotten, too
  std::uint64_t last_ = 0;
};

}  // namespace millrace

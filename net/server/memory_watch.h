// A shard's part in the memory reserve: at the end of a turn in which memory was found to be out it
// says so in the log, and takes the reserve anew once MemoryReserve lets it.
//
// Owner: a client shard; used on its thread. Whichever shard ends a turn first acts for all.
#pragma once

#include "core/limit/log_limiter.h"
#include "core/mem/memory_reserve.h"
#include "core/shard/reactor.h"

namespace millrace {

class MemoryWatch final : public TurnEnd {
 public:
  static constexpr Duration kBetweenTries{MemoryReserve::kBetweenTriesNs};

  // Registers itself. The reactor must outlive it.
  explicit MemoryWatch(Reactor& reactor) { reactor.add_turn_end(*this, "the memory watch"); }
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  void flush(Instant now) override;

 private:
  static constexpr std::uint32_t kLogLines = 4;
  static constexpr Duration kLogInterval = seconds(10);

  LogLimiter losses_{kLogLines, kLogInterval};
  LogLimiter returns_{kLogLines, kLogInterval};
};

}  // namespace millrace

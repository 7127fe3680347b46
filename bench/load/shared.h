// What the threads of one run share: constant but for what is atomic, and for the channels' counts,
// which each have one writer (bench/load/channel_table.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "bench/load/address_plan.h"
#include "bench/load/channel_table.h"
#include "bench/load/options.h"
#include "core/shard/waker.h"
#include "core/time/clock.h"

namespace millrace::load {

// Gauges of one thread, for the progress line and for waiting. Written by it at the end of a turn.
struct alignas(64) Live {
  std::atomic<std::uint64_t> up{0};
  std::atomic<std::uint64_t> failed{0};   // and will not try again
  std::atomic<std::uint64_t> waiting{0};  // until they try again
  std::atomic<std::uint64_t> tries{0};    // attempts begun, ever
  std::atomic<std::uint64_t> errors{0};   // of any kind, ever
  std::atomic<std::uint64_t> deliveries{0};
  std::atomic<bool> publisher_ready{false};
  std::atomic<bool> publishing{false};
};

struct Shared {
  Shared(const Options& all_options, AddressPlan plan, std::size_t threads)
      : options(all_options), addresses(std::move(plan)), live(threads) {}

  const Options& options;
  const AddressPlan addresses;
  MonotonicClock clock;
  ChannelTable channels;  // set before the first publication
  std::vector<Live> live;

  // Deliveries that publications stand for, and those that came: all readers', new ones only.
  std::atomic<std::uint64_t> expected{0};
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::int64_t> last_delivery_ns{0};
  // Of the thread that publishes in a closed loop, which waits for deliveries.
  std::atomic<Waker*> publisher{nullptr};
};

}  // namespace millrace::load
